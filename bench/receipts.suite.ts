import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { formatReceipt, sha256, signerOf, toBase64, utf8 } from '@sijill/transparency';
import { intakePass } from './embedded-intake.js';
import { pass, showProgress, type SuiteResult } from './measure.js';
import { inBatches, sampleBodies, sampleEvents } from './sample-events.js';
import { sideBySide, type Part } from './side-by-side.js';

const FULL = { rounds: 5, events: 20_000, receipts: 2_000 };
const QUICK: typeof FULL = { rounds: 1, events: 2_000, receipts: 200 };

const LOADS = [
  { load: 'one event a call, 16 callers', batch: 1, callers: 16 },
  { load: 'batches of 100', batch: 100, callers: 4 },
  { load: 'batches of 500', batch: 500, callers: 4 },
];

/** The whole embedded intake with a notary beside it, with a receipt in each answer and without. */
export async function receiptsSuite({ quick }: { quick: boolean }): Promise<SuiteResult> {
  const sizes = quick ? QUICK : FULL;
  const scratch = mkdtempSync(join(tmpdir(), 'sijill-bench-'));
  const removeScratch = (): void => rmSync(scratch, { recursive: true, force: true });
  process.once('exit', removeScratch);
  try {
    const parts = [...LOADS.map((load) => intakePart(load, sizes.events)), signingPart(sizes.receipts)];
    const result = await sideBySide(parts, { rounds: sizes.rounds, scratch, judged: !quick });
    return { suite: 'receipts', durability: 'SQLite WAL, synchronous=FULL', ...result };
  } finally {
    showProgress('');
    process.off('exit', removeScratch);
    removeScratch();
  }
}

function intakePart({ load, batch, callers }: (typeof LOADS)[number], count: number): Part {
  const [before, after] = [...inBatches([...sampleEvents(2 * count)], count)].map((events) =>
    sampleBodies(events, batch),
  ) as [Buffer[], Buffer[]];
  const side = (name: string, receipts: boolean): Part['sides'][number] => ({
    name,
    run: (folder) =>
      intakePass(join(folder, 'data'), after, { callers, project: false, notary: true, receipts, before }),
  });
  const [without, given] = [`intake, ${load}`, `intake with receipts, ${load}`];
  return {
    sides: [side(without, false), side(given, true), side(`${without}, again`, false)],
    comparisons: [
      {
        name: `with receipts / without, ${load}`,
        over: given,
        under: without,
        ...(batch >= 100 ? { aim: { atLeast: 0.97 } } : {}),
      },
      { name: `control: without / without, ${load}`, over: `${without}, again`, under: without },
    ],
    notes: [],
    close: async () => undefined,
  };
}

/** What a receipt costs by itself: the text over 100 entries, and its signature beside that of a few bytes. */
function signingPart(count: number): Part {
  const signer = signerOf(new Uint8Array(32).fill(1));
  const leafHash = toBase64(sha256(utf8('a leaf')));
  const entries = Array.from({ length: 100 }, (_, n) => ({
    id: `01890000-0000-7000-8000-${String(n).padStart(12, '0')}`,
    leafHash,
  }));
  const text = (): string =>
    formatReceipt({
      log: 'log.example/bench',
      acceptedAt: '2026-07-01T10:00:00.000Z',
      dueAt: '2026-07-01T10:01:00.000Z',
      leaves: 1_000n,
      entries,
    });
  const side = (name: string, work: () => Promise<unknown>): Part['sides'][number] => ({
    name,
    run: () => pass(Array.from({ length: count }, () => () => work().then(() => 1))),
  });
  return {
    sides: [
      side('Ed25519 over 32 bytes', () => signer.sign(new Uint8Array(32))),
      side('receipt over 100 entries: text and signature', () => signer.sign(utf8(text()))),
    ],
    comparisons: [
      {
        name: 'receipt over 100 entries / bare signature',
        over: 'receipt over 100 entries: text and signature',
        under: 'Ed25519 over 32 bytes',
      },
    ],
    notes: ['intake: as in the suite of that name, with a notary beside it on every side; the people are known'],
    close: async () => undefined,
  };
}
