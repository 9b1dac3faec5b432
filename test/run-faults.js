// `npm run test:faults`: the fault and contract specs alone, or those of them whose path is given in part. With --full the long
// ones run in full length; what else is given goes to Jest.
import { spawnSync } from 'node:child_process';

const given = process.argv.slice(2);
const rest = given.filter((word) => word !== '--full');
const full = rest.length < given.length;
const named = rest.filter((word) => !word.startsWith('-'));
const paths =
  named.length === 0 ? ['test/(faults|contract)/'] : named.map((name) => `test/(faults|contract)/.*${name}`);
const jest = ['--experimental-vm-modules', '--no-warnings=ExperimentalWarning', 'node_modules/jest/bin/jest.js'];
const { status } = spawnSync(
  process.execPath,
  [...jest, ...paths, '--verbose', ...rest.filter((word) => word.startsWith('-'))],
  { stdio: 'inherit', env: { ...process.env, ...(full ? { SIJILL_TEST_FULL: '1' } : {}) } },
);
process.exit(status ?? 1);
