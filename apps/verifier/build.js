// Makes the verifier one file that needs no server: npm run build:verifier
import { createHash } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';

const here = import.meta.dirname;
const root = join(here, '..', '..');
const out = join(root, 'dist', 'verifier');

/** In a browser the primitives come from elsewhere than Node. */
const cryptoOfBrowsers = {
  name: 'crypto-of-browsers',
  setup: ({ onResolve }) =>
    onResolve({ filter: /\/crypto\.js$/ }, ({ path, kind }) =>
      kind === 'entry-point' || !/primitives\/crypto\.js$|^\.\/crypto\.js$/.test(path)
        ? undefined
        : { path: join(root, 'libs', 'transparency', 'src', 'primitives', 'crypto.browser.ts') },
    ),
};

const bundled = async (entry, plugins) => {
  const { outputFiles } = await build({
    entryPoints: [join(here, 'src', entry)],
    bundle: true,
    minify: true,
    write: false,
    format: 'iife',
    target: 'es2022',
    charset: 'utf8',
    tsconfig: join(here, 'tsconfig.json'),
    plugins,
    logLevel: 'warning',
  });
  // What is put into a page must not end its element.
  return outputFiles[0].text.trim().replaceAll('</', '<\\/');
};

const hashOf = (text) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

const [script, style, page] = await Promise.all([
  bundled('main.ts', [cryptoOfBrowsers]),
  bundled('style.css', []),
  readFile(join(here, 'index.html'), 'utf8'),
]);
// Nothing may be fetched, sent or framed; what runs is what was built.
const policy = [
  "default-src 'none'",
  `script-src ${hashOf(script)}`,
  `style-src ${hashOf(style)}`,
  "base-uri 'none'",
  "form-action 'none'",
  // And no text is ever taken for markup.
  "require-trusted-types-for 'script'",
].join('; ');
const parts = {
  '{{policy}}': policy,
  '<!-- style -->': `<style>${style}</style>`,
  '<!-- script -->': `<script>${script}</script>`,
};
const whole = page.replace(/\{\{policy\}\}|<!-- (?:style|script) -->/g, (place) => parts[place]);
await mkdir(out, { recursive: true });
await writeFile(join(out, 'sijill-verifier.html'), whole);
