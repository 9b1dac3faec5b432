import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import {
  authenticStore,
  entryAuthenticator,
  leafText,
  openEmbeddedStore,
  type EntryText,
  type KeylessStore,
} from '@sijill/event-store';
import type { Ledger } from '@sijill/ledger';
import {
  announceFirstKey,
  checkRange,
  GrowingLog,
  logSigner,
  LogStore,
  MapExtension,
  MapStore,
  proveEntry,
  verifyStore,
} from '@sijill/notary';
import { systemClock } from '@sijill/platform';
import { sha256, signerOf, TILE_WIDTH, TreeGrowth, uint64, utf8 } from '@sijill/transparency';
import { intakePass } from './embedded-intake.js';
import { pass, round, showProgress, type Pass, type SuiteResult } from './measure.js';
import { inBatches, sampleBodies, sampleEvents } from './sample-events.js';
import { sideBySide, type Part } from './side-by-side.js';

const FULL = { rounds: 3, events: 20_000, logs: [10_000, 10_000_000], proofs: 2_000, latencies: 600 };
const QUICK: typeof FULL = { rounds: 1, events: 2_000, logs: [1_000, 100_000], proofs: 100, latencies: 30 };

type Sizes = typeof FULL;

const ORIGIN = 'log.example/bench';
const KEY = signerOf(new Uint8Array(32).fill(1));
const signer = logSigner(ORIGIN, [KEY]);
const AUTHENTICATOR = entryAuthenticator({ current: 'bench', keys: { bench: new Uint8Array(32).fill(2) } });

/** What the log costs, and what its proofs take. */
export async function proofsSuite({ quick }: { quick: boolean }): Promise<SuiteResult> {
  const sizes = quick ? QUICK : FULL;
  const scratch = mkdtempSync(join(tmpdir(), 'sijill-bench-'));
  const removeScratch = (): void => rmSync(scratch, { recursive: true, force: true });
  process.once('exit', removeScratch);
  const parts: Part[] = [];
  try {
    showProgress('a ledger of samples');
    const dataDir = join(scratch, 'sample');
    await intakePass(dataDir, sampleBodies(sampleEvents(sizes.events), 500), { callers: 4, project: false });
    const store = openEmbeddedStore({ file: join(dataDir, 'ledger.sqlite') });
    const entries: EntryText[] = [];
    for await (const batch of store.readTexts()) entries.push(...batch);
    parts.push(leavesPart(store, entries), intakePart(sizes), await verificationPart(store, entries, scratch));
    parts.push(await proofPart(sizes, scratch));
    const result = await sideBySide(parts, { rounds: sizes.rounds, scratch, judged: !quick });
    showProgress('from acceptance to a proof');
    const latency = await fromAcceptanceToProof(join(scratch, 'latency'), sizes);
    await store.close();
    return {
      suite: 'proofs',
      durability: 'SQLite WAL, synchronous=FULL',
      ...result,
      notes: [...result.notes, latency],
    };
  } finally {
    showProgress('');
    for (const part of parts) await part.close();
    process.off('exit', removeScratch);
    removeScratch();
  }
}

/** Leaves hashed, put into tiles and committed, and with the map of subjects behind them, beside a bare hash of the same bytes. */
function leavesPart(store: KeylessStore, entries: readonly EntryText[]): Part {
  const leaves = entries.map((entry) => utf8(leafText(entry)));
  const grown = (name: string, mapped: boolean): Part['sides'][number] => ({
    name,
    run: async (folder) => {
      const log = await LogStore.open({ kind: 'sqlite', file: join(folder, 'log.sqlite') });
      const maps = await MapStore.open({ kind: 'sqlite', file: join(folder, 'map.sqlite') });
      const growing = await GrowingLog.resume(log, systemClock);
      const extension = new MapExtension(store, log, maps);
      const calls = [...inBatches(entries, 2_000)].map((batch) => async () => {
        growing.add(batch);
        await growing.commit(signer);
        if (mapped) await extension.upTo(growing.head.size);
        return batch.length;
      });
      const timed = await pass(calls);
      await maps.close();
      await log.close();
      return timed;
    },
  });
  const hashed = {
    name: 'bare SHA-256 of the leaves',
    run: () =>
      pass(
        [...inBatches(leaves, 500)].map((batch) => () => {
          for (const leaf of batch) sha256(leaf);
          return batch.length;
        }),
      ),
  };
  return {
    sides: [
      hashed,
      grown('leaves of the log, tiles committed', false),
      grown('leaves of the log and the map of subjects', true),
      { ...hashed, name: 'bare SHA-256 of the leaves, again' },
    ],
    comparisons: [
      {
        name: 'leaves / bare SHA-256',
        over: 'leaves of the log, tiles committed',
        under: 'bare SHA-256 of the leaves',
        aim: { atLeast: 0.4 },
      },
      {
        name: 'leaves and map of subjects / bare SHA-256',
        over: 'leaves of the log and the map of subjects',
        under: 'bare SHA-256 of the leaves',
        aim: { atLeast: 0.15 },
      },
      {
        name: 'control: bare SHA-256 / bare SHA-256',
        over: 'bare SHA-256 of the leaves, again',
        under: 'bare SHA-256 of the leaves',
      },
    ],
    notes: [
      'leaves: of entries as the store gives them; commits of 2,000, each with a signed checkpoint, synced; the map is brought up behind each, about 2,000 subjects, and reads the store',
    ],
    close: async () => undefined,
  };
}

/** The whole intake, acknowledged, with a notary beside it and without. */
function intakePart({ events }: Sizes): Part {
  const bodies = sampleBodies(sampleEvents(events), 100);
  const side = (name: string, notary: boolean) => ({
    name,
    run: (folder: string): Promise<Pass> => intakePass(folder, bodies, { callers: 4, project: true, notary }),
  });
  return {
    sides: [side('intake, visible, without a notary', false), side('intake, visible, with a notary', true)],
    comparisons: [
      {
        name: 'intake with / without a notary',
        over: 'intake, visible, with a notary',
        under: 'intake, visible, without a notary',
        aim: { atLeast: 0.85 },
      },
    ],
    notes: ['intake: batches of 100 from 4 callers, until all is visible in the histories; all on one process'],
    close: async () => undefined,
  };
}

/** The whole store compared with what was signed, on one core, beside a hash over the same bytes. */
async function verificationPart(store: KeylessStore, entries: readonly EntryText[], scratch: string): Promise<Part> {
  const log = await LogStore.open({ kind: 'sqlite', file: join(scratch, 'signed.sqlite') });
  const growing = await GrowingLog.resume(log, systemClock);
  growing.add(entries);
  const key = (): Promise<typeof KEY> => Promise.resolve(KEY);
  const identity = { origin: ORIGIN, keys: { key, newKey: key } };
  await announceFirstKey(authenticStore(store, AUTHENTICATOR), log, identity, systemClock);
  for await (const batch of store.readTexts({ after: entries.at(-1)!.position })) growing.add(batch);
  await growing.commit(signer);
  const whole = Buffer.from(entries.map(leafText).join(''));
  return {
    sides: [
      {
        name: 'store verified, bytes',
        run: () =>
          pass([
            async () => {
              const { findings, bytes } = await verifyStore(store, log, {
                trust: { log: signer.keys },
                check: (range, size) => checkRange(store, log, size, range),
                hands: 1,
              });
              if (findings.length > 0) throw new Error('the sample does not verify');
              return bytes;
            },
          ]),
      },
      { name: 'SHA-256 over the same bytes', run: () => pass([() => (sha256(whole), whole.length)]) },
    ],
    comparisons: [
      {
        name: 'store verified / SHA-256, bytes a second and core',
        over: 'store verified, bytes',
        under: 'SHA-256 over the same bytes',
        aim: { atLeast: 0.4 },
      },
    ],
    notes: [
      'store verified: read, written as leaves, each hashed, then the nodes above them, compared with tiles and checkpoint; beside it all leaves in one buffer and one call; rates are bytes',
    ],
    close: () => log.close(),
  };
}

/** The proof of a random entry in logs of different sizes. */
async function proofPart({ logs, proofs }: Sizes, scratch: string): Promise<Part> {
  const grown: { size: number; log: LogStore }[] = [];
  for (const size of logs) {
    showProgress(`a log of ${size.toLocaleString('en')} leaves`);
    grown.push({ size, log: await logOf(size, join(scratch, `log-${size}.sqlite`)) });
  }
  const name = (size: number): string => `proof of an entry, ${size.toLocaleString('en')} leaves`;
  const [least, most] = [logs[0]!, logs.at(-1)!];
  // Each round asks for other entries, all over the log: none finds what was remembered for the same ones.
  const sideOf = ({ size, log }: (typeof grown)[number]): Part['sides'][number] => {
    let asked = 0;
    const prove = async (): Promise<number> => {
      const proof = await proveEntry(log, 1 + ((asked++ * 7_919_993) % size), await log.checkpoint());
      if (proof === null) throw new Error('there is no proof of a leaf that is signed');
      return 1;
    };
    return { name: name(size), run: () => pass(Array.from({ length: proofs }, () => prove)) };
  };
  return {
    sides: grown.map(sideOf),
    comparisons: [
      {
        name: `proof: time at ${most.toLocaleString('en')} / at ${least.toLocaleString('en')} leaves`,
        over: name(least),
        under: name(most),
        aim: { below: 2 },
      },
    ],
    notes: ['proof: from an entry’s position to the text of its proof; of entries all over the log'],
    close: async () => {
      for (const { log } of grown) await log.close();
    },
  };
}

/** A log of leaves that are nothing but their numbers. */
async function logOf(size: number, file: string): Promise<LogStore> {
  const log = await LogStore.open({ kind: 'sqlite', file });
  const growth = TreeGrowth.from(0n);
  const STEP = 400 * TILE_WIDTH;
  for (let from = 0; from < size; from += STEP) {
    const to = Math.min(size, from + STEP);
    for (let i = from; i < to; i++) growth.add(sha256(uint64(BigInt(i))));
    const positions = Array.from({ length: to - from }, (_, i) => from + i + 1);
    const at = { size: to, position: to };
    const root = growth.root();
    const checkpoint = { ...at, root, signedAt: '', note: await signer.sign(growth.size, root) };
    const tiles = growth.takeChanged();
    await log.grow({ from: { size: from, position: from }, to: at, tiles, positions, lanes: new Map(), checkpoint });
  }
  return log;
}

/** How long a single event waits for its proof, in a server that takes in little else. */
async function fromAcceptanceToProof(dataDir: string, { latencies }: Sizes): Promise<string> {
  const waits: Promise<number>[] = [];
  const wait = async (ledger: Ledger, position: number): Promise<number> => {
    for (const began = performance.now(); ;) {
      if ((await proveEntry(ledger.log.store, position, await ledger.log.published())) !== null)
        return performance.now() - began;
      await pause(5);
    }
  };
  const paced = sampleBodies(sampleEvents(latencies), 1);
  await intakePass(dataDir, paced, {
    callers: 1,
    project: false,
    notary: true,
    onAccepted: async (ledger, position) => {
      waits.push(wait(ledger, position));
      await pause(37);
    },
    atEnd: async () => void (await Promise.all(waits)),
  });
  const sorted = (await Promise.all(waits)).sort((a, b) => a - b);
  const at = (share: number): number => round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!);
  return `from acceptance to a proof, ${latencies} single events, 27 a second: p50 ${at(0.5)} ms, p99 ${at(0.99)} ms; a checkpoint is signed at most once a second`;
}
