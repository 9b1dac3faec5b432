import { sep } from 'node:path';
import { statSync } from 'node:fs';
import Sequencer from '@jest/test-sequencer';

/** What takes longest, in this order: specs that break things take minutes, those beside the code seconds. */
const LONG = ['simulation', 'faults', 'e2e', 'contract', 'integration'];

/**
 * Has the long specs begun first: else one of them begins when the others are done, and runs alone beside an idle core. Jest's own order
 * rests on what a run before this one has measured, which a fresh clone does not have.
 */
export default class LongestFirst extends Sequencer {
  sort(tests) {
    const rank = ({ path }) => {
      const at = LONG.findIndex((name) => path.includes(`${sep}test${sep}`) && path.includes(`${sep}${name}${sep}`));
      return at === -1 ? LONG.length : at;
    };
    const size = new Map(tests.map(({ path }) => [path, statSync(path).size]));
    return [...tests].sort((a, b) => rank(a) - rank(b) || size.get(b.path) - size.get(a.path));
  }
}
