import { join } from 'node:path';
import { Witness, type WitnessOptions } from '@sijill/notary';
import { systemClock, type SqlTarget } from '@sijill/platform';
import {
  cosignaturesOf,
  CosigningRefused,
  EMPTY_ROOT,
  formatCheckpoint,
  formatCosignRequest,
  formatNote,
  parseNote,
  signerOf,
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
  const witness = async (
    target: SqlTarget,
    signer: WitnessOptions['signer'] = async () => signerOf(new Uint8Array(32).fill(2)),
  ): Promise<Witness> => {
    const opened = await Witness.open(target, {
      name: 'witness.example',
      signer,
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

  it('cosigns one of two histories that come while a signature is waited for, and keeps to it when there was none', async () => {
    const target = await place();
    const own = signerOf(new Uint8Array(32).fill(2));
    const waiting: ((answer: Promise<Uint8Array>) => void)[] = [];
    const slow = await witness(target, async (isNew) => {
      expect(isNew).toBe(true);
      return { ...own, sign: () => new Promise<Uint8Array>((resolve) => waiting.push(resolve)) };
    });
    const [one, other] = [first(10n, 1), first(10n, 2)];
    const asked = slow.addCheckpoint(one.body);
    asked.catch(() => undefined);
    while (waiting.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    const quick = await witness(target, async (isNew) => {
      expect(isNew).toBe(false);
      return own;
    });
    for (const process of [slow, quick]) {
      await expect(process.addCheckpoint(other.body)).rejects.toMatchObject({ reason: 'other size', lastSize: 10n });
      const same = other.body.replace('old 0', 'old 10');
      await expect(process.addCheckpoint(same)).rejects.toMatchObject({ reason: 'other root' });
    }
    waiting[0]!(Promise.reject(new Error('no signature')));
    await expect(asked).rejects.toThrow('no signature');
    const again = await quick.addCheckpoint(one.body.replace('old 0', 'old 10'));
    expect(cosignaturesOf(parseNote(one.note + again), [quick.key])).toHaveLength(1);
    await expect(quick.addCheckpoint(other.body.replace('old 0', 'old 10'))).rejects.toMatchObject({
      reason: 'other root',
    });
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
