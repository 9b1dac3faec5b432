import { readFile, rm } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { verifyLedger, type LedgerVerified } from '@sijill/ledger';
import { createLogger } from '@sijill/platform';
import { EXIT } from '../exit-codes.js';
import { printable, printAnswer } from '../terminal/print.js';
import { progressBar } from '../terminal/progress.js';
import { commandConfig } from '../with-ledger.js';
import { coverage, fileOf, lostOften, type Held } from './answer.js';
import { keepJson } from './kept-file.js';
import { trustOf, type TrustOptions } from './trust-options.js';

export interface StoreOptions extends TrustOptions {
  readonly checkpoint: readonly string[];
  readonly resume?: boolean;
}

const NOTE_EVERY_MS = 2_000;

/** Compares the store of the environment with all that was signed over it, and tells the user what was found. */
export async function compareStore(options: StoreOptions): Promise<void> {
  const trust = await trustOf(options);
  const kept = await Promise.all(options.checkpoint.map(async (file) => (await fileOf(file)).toString('utf8')));
  const config = commandConfig();
  const place = join(config.dataDir, 'verify-store.json');
  const note = options.resume === true ? await noteIn(place) : null;
  const bar = progressBar('comparing');
  const mapBar = progressBar('map of subjects');
  let noted = Date.now();
  let noting = Promise.resolve();
  const verified = await verifyLedger(config, createLogger(config.logLevel), {
    trust,
    kept,
    note,
    threads: availableParallelism(),
    onProgress: (leaves, size, reached) => {
      bar.update(leaves, size);
      if (Date.now() - noted < NOTE_EVERY_MS) return;
      noted = Date.now();
      // One that cannot be written is only missed by whoever goes on from it.
      noting = noting.then(() => keepJson(place, reached)).catch(() => undefined);
    },
    onMapProgress: (leaves, size) => {
      bar.stop();
      mapBar.update(leaves, size);
    },
  }).finally(() => {
    bar.stop();
    mapBar.stop();
  });
  await noting;
  await rm(place, { force: true });
  const [first] = verified.findings;
  process.exitCode = first === undefined ? EXIT.done : EXIT.no;
  const said = first === undefined ? coverageOf(verified) : { covers: [], notCovered: [] };
  printAnswer(options.json === true, { holds: first === undefined, ...said, ...verified }, () =>
    first === undefined
      ? [coverage(said), ...begunLine(options, verified), ...linesOf(verified)].join('\n')
      : [
          `DOES NOT HOLD: ${first.detail}.`,
          ...verified.findings.slice(1, 20).map(({ detail }) => `Also: ${detail}.`),
          ...foreignLine(verified),
        ].join('\n'),
  );
}

function coverageOf({ codesChecked, from, losses }: LedgerVerified): Pick<Held, 'covers' | 'notCovered'> {
  const codes = 'the codes by which the ledger knows its own entries';
  const [onwards, there] = from === 0 ? ['', ''] : [` from leaf ${from} on`, ' from there on'];
  const before = `the leaves before ${from}, and what of keys and maps rests on them (compared by an earlier run, as a file in the data folder says)`;
  return {
    covers: [
      `every entry of the store that is signed${onwards}, with its sealed parts`,
      `every tile${there}`,
      'every checkpoint',
      'every map of the subjects',
      ...(codesChecked ? [codes] : []),
    ],
    notCovered: [
      ...(from === 0 ? [] : [before]),
      'what was changed before it was signed',
      'store, log and keys changed together (a checkpoint kept elsewhere shows it: --checkpoint)',
      ...(codesChecked ? [] : [`${codes} (there is no keyring here)`]),
      ...lostOften(losses),
    ],
  };
}

function begunLine({ resume }: StoreOptions, { from }: LedgerVerified): string[] {
  if (resume !== true || from > 0) return [];
  return ['Begun at the first entry: no earlier run of this log, with these keys, has noted how far it came.'];
}

function linesOf(verified: LedgerVerified): string[] {
  const { from, leaves, checkpoints, maps, unsigned } = verified;
  const which = from === 0 ? `All ${leaves} entries` : `The ${leaves} entries from leaf ${from} on`;
  return [
    `${which} are what was signed, under ${checkpoints} checkpoints; the ${maps} maps of the subjects in the log are those of these entries.`,
    ...(unsigned > 0 ? [`${unsigned} more wait for their checkpoint.`] : []),
    ...foreignLine(verified),
  ];
}

function foreignLine({ foreign: { events, first } }: LedgerVerified): string[] {
  if (first === null) return [];
  return [
    `FOREIGN: ${events} of them somebody else has put into the streams of the ledger, the first is leaf ${first.index} at ` +
      `${printable(first.lane)}@${first.revision}. They are in the log as what they are, and nothing rests on them.`,
  ];
}

/** Whatever lies there; null when nothing does, or nothing that can be read. */
async function noteIn(place: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(place, 'utf8')) as unknown;
  } catch {
    return null;
  }
}
