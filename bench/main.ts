import { parseArgs } from 'node:util';
import { intakeSuite } from './intake.suite.js';
import { printResult, type SuiteResult } from './measure.js';

const SUITES: Record<string, () => Promise<SuiteResult>> = { intake: intakeSuite };

const USAGE = `npm run bench -- [SUITE] [--json]

Measures side by side in one run and prints ratios. Suites: ${Object.keys(SUITES).join(', ')}.
--json ends the output with one line of JSON.`;

const { values, positionals } = parseArgs({
  options: { json: { type: 'boolean', default: false }, help: { type: 'boolean', default: false } },
  allowPositionals: true,
});
const [name = 'intake'] = positionals;
const suite = SUITES[name];
if (values.help || suite === undefined) {
  process.stdout.write(`${USAGE}\n`);
  process.exit(values.help ? 0 : 2);
}
printResult(await suite(), values.json);
