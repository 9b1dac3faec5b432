#!/usr/bin/env node
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const program = new URL('../../../dist/apps/cli/src/main.js', import.meta.url);
if (!existsSync(fileURLToPath(program))) {
  process.stderr.write('sijill is not built yet; run: npm install && npm run build\n');
  process.exit(2);
}
await import(program.href);
