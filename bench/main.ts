import { parseArgs } from 'node:util';
import { accountingSuite } from './accounting.suite.js';
import { intakeSuite } from './intake.suite.js';
import { proofsSuite } from './proofs.suite.js';
import { receiptsSuite } from './receipts.suite.js';
import { sealingSuite } from './sealing.suite.js';
import { printResult, type SuiteResult } from './measure.js';
import { PART_NAMES, storeSuite, type PartName } from './store.suite.js';

interface SuiteOptions {
  readonly quick: boolean;
  readonly only?: readonly PartName[];
}

const SUITES: Record<string, (options: SuiteOptions) => Promise<SuiteResult>> = {
  intake: intakeSuite,
  store: storeSuite,
  proofs: proofsSuite,
  accounting: accountingSuite,
  receipts: receiptsSuite,
  sealing: sealingSuite,
};

const USAGE = `npm run bench -- [SUITE...] [--quick] [--only PART,...] [--json]

Measures side by side in one run and prints ratios. Suites: ${Object.keys(SUITES).join(', ')}; all of them without a name.
--quick takes small sizes: to see that it works, not to trust the figures. No aim is judged by it.
--only takes parts of the store suite: ${PART_NAMES.join(', ')}.
--json ends each suite's output with one line of JSON.`;

function leave(code: number, text = USAGE): never {
  (code === 0 ? process.stdout : process.stderr).write(`${text}\n`);
  process.exit(code);
}

function parse(): { names: string[]; json: boolean } & SuiteOptions {
  const { values, positionals } = parseArgs({
    options: {
      json: { type: 'boolean', default: false },
      quick: { type: 'boolean', default: false },
      only: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
    allowPositionals: true,
  });
  if (values.help) leave(0);
  const names = positionals.length === 0 ? Object.keys(SUITES) : positionals;
  const only = values.only?.split(',') as PartName[] | undefined;
  const unknown = [
    ...names.filter((name) => !(name in SUITES)),
    ...(only ?? []).filter((name) => !PART_NAMES.includes(name)),
  ];
  if (unknown.length > 0) leave(2, `unknown: ${unknown.join(', ')}\n\n${USAGE}`);
  return { names, json: values.json, quick: values.quick, ...(only === undefined ? {} : { only }) };
}

// Ctrl-C ends in order, so that what the suites keep in temporary folders goes too.
process.once('SIGINT', () => process.exit(130));

let parsed;
try {
  parsed = parse();
} catch (error) {
  leave(2, `${(error as Error).message}\n\n${USAGE}`);
}
const { names, json, ...options } = parsed;
for (const name of names) printResult(await SUITES[name]!(options), json);
