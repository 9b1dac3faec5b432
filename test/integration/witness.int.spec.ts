import { join } from 'node:path';
import { Witness } from '@sijill/notary';
import { systemClock, type SqlTarget } from '@sijill/platform';
import {
  cosignaturesOf,
  CosigningRefused,
  EMPTY_ROOT,
  formatCheckpoint,
  formatCosignRequest,
  formatNote,
  parseNote,
  signingKey,
  signNote,
  verifierKey,
} from '@sijill/transparency';
import { describeWithPostgres } from '../support/postgres/describe-with-postgres.js';
import { freshDataDir } from '../support/sijill.js';

const origin = 'log.example/ledger';
const key = signingKey(new Uint8Array(32).fill(1));
const logs = [verifierKey(origin, 'ed25519', key.publicKey)];

/** A first checkpoint of one of many histories, all signed by the log. */
function first(size: bigint, history: number): { note: string; body: string } {
  const root = size === 0n ? EMPTY_ROOT : new Uint8Array(32).fill(history);
  const text = formatCheckpoint({ origin, size, root, extensions: [] });
  const note = formatNote({ text, signatures: [signNote(text, origin, key)] });
  return { note, body: formatCosignRequest({ old: 0n, proof: [], checkpoint: note }) };
}

function suite(place: () => Promise<SqlTarget>): void {
  const open: Witness[] = [];
  const witness = async (target: SqlTarget): Promise<Witness> => {
    const opened = await Witness.open(target, {
      name: 'witness.example',
      seed: new Uint8Array(32).fill(2),
      logs,
      clock: systemClock,
    });
    open.push(opened);
    return opened;
  };
  afterEach(async () => {
    for (const one of open.splice(0)) await one.close();
  });

  it.each([
    ['the log was never seen', false],
    ['the log was seen', true],
  ])('cosigns one of many histories that come at once, however many processes it is: %s', async (_, seen) => {
    const target = await place();
    const processes = [await witness(target), await witness(target), await witness(target)];
    if (seen) await processes[0]!.addCheckpoint(first(0n, 0).body);
    const asked = Array.from({ length: 30 }, (_, i) => first(BigInt(10 + (i % 3)), i));
    const answers = await Promise.allSettled(asked.map(({ body }, i) => processes[i % 3]!.addCheckpoint(body)));
    const cosigned = answers.flatMap((answer, i) =>
      answer.status === 'fulfilled' ? [[answer.value, i] as const] : [],
    );
    expect(cosigned).toHaveLength(1);
    const [line, at] = cosigned[0]!;
    expect(cosignaturesOf(parseNote(asked[at]!.note + line), [processes[0]!.key])).toHaveLength(1);
    const last = (await processes[1]!.last(origin))!;
    for (const answer of answers)
      if (answer.status === 'rejected') {
        expect(answer.reason).toBeInstanceOf(CosigningRefused);
        expect(answer.reason).toMatchObject({ reason: 'other size', lastSize: last.size });
      }
  });

  it('remembers what it has cosigned', async () => {
    const target = await place();
    await (await witness(target)).addCheckpoint(first(10n, 1).body);
    const again = await witness(target);
    expect(await again.last(origin)).toMatchObject({ size: 10n });
    await expect(again.addCheckpoint(first(10n, 2).body)).rejects.toMatchObject({ lastSize: 10n });
    const same = first(10n, 1).body.replace('old 0', 'old 10');
    expect(await again.addCheckpoint(same)).toMatch(/^— witness\.example /);
    await expect(again.addCheckpoint(first(10n, 2).body.replace('old 0', 'old 10'))).rejects.toMatchObject({
      reason: 'other root',
    });
    expect(await again.last('other.example')).toBeNull();
  });

  it('does not cosign what is beyond all counting', async () => {
    const far = first(2n ** 60n, 1).body;
    await expect((await witness(await place())).addCheckpoint(far)).rejects.toMatchObject({ reason: 'malformed' });
  });
}

describe('a witness in SQLite', () => {
  suite(async () => ({ kind: 'sqlite', file: join(freshDataDir('witness'), 'witness.sqlite') }));
});

describeWithPostgres('a witness in PostgreSQL', (postgres) => {
  suite(async () => ({ kind: 'postgresql', url: await postgres.freshDatabase('sijill') }));
});
