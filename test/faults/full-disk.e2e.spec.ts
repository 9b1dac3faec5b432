import { join } from 'node:path';
import { describeWith } from '../support/describe-with.js';
import type { FullDiskOutcome } from '../support/full-disk.program.js';
import { freshDataDir } from '../support/sijill.js';
import { smallDisks } from '../support/small-disk.js';

const PROGRAM = join(import.meta.dirname, '../support/full-disk.program.ts');

describeWith(
  'a disk that fills up under a server',
  await smallDisks(),
  (disks) => {
    it('stops the writing and not the reading, is told to senders, and is got over without a restart', async () => {
      const outcome = await disks.run<FullDiskOutcome>(PROGRAM, freshDataDir('small-disk'), 96);
      const refused = { status: 503, detail: expect.stringContaining('disk'), retryAfter: '30' };
      expect(outcome.reserve).toEqual({ refused, lookUp: 200, history: 200, ready: 200, accepted: 201 });
      expect(outcome.full).toEqual({ refused, readable: 200, live: 200, accepted: 201 });
      expect(outcome.acknowledged).toBeGreaterThanOrEqual(200);
      expect(outcome.counted).toBe(outcome.acknowledged);
      expect(outcome.exit).toBe(0);
    }, 120_000);
  },
  { neededInCi: false },
);
