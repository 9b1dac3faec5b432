import { existsSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { verifyLedger, type LedgerVerified } from '@sijill/ledger';
import { createLogger } from '@sijill/platform';
import { EXIT } from '../exit-codes.js';
import { printable, printAnswer } from '../terminal/print.js';
import { progressBar } from '../terminal/progress.js';
import { commandConfig } from '../with-ledger.js';
import { coverage, fileOf, type Held } from './answer.js';
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
  const fromTile = options.resume === true ? await tileReached(place) : 0;
  const bar = progressBar('comparing');
  const mapBar = progressBar('map of subjects');
  let noted = Date.now();
  const verified = await verifyLedger(config, createLogger(config.logLevel), {
    trust,
    kept,
    fromTile,
    threads: availableParallelism(),
    onProgress: (leaves, size, tile) => {
      bar.update(leaves, size);
      if (Date.now() - noted < NOTE_EVERY_MS) return;
      noted = Date.now();
      void keepJson(place, { tile });
    },
    onMapProgress: (leaves, size) => {
      bar.stop();
      mapBar.update(leaves, size);
    },
  }).finally(() => {
    bar.stop();
    mapBar.stop();
  });
  await rm(place, { force: true });
  const [first] = verified.findings;
  process.exitCode = first === undefined ? EXIT.done : EXIT.no;
  const said = first === undefined ? coverageOf(verified) : { covers: [], notCovered: [] };
  printAnswer(options.json === true, { holds: first === undefined, ...said, ...verified, fromTile }, () =>
    first === undefined
      ? [coverage(said), ...linesOf(verified)].join('\n')
      : [
          `DOES NOT HOLD: ${first.detail}.`,
          ...verified.findings.slice(1, 20).map(({ detail }) => `Also: ${detail}.`),
          ...foreignLine(verified),
        ].join('\n'),
  );
}

function coverageOf({ codesChecked }: LedgerVerified): Pick<Held, 'covers' | 'notCovered'> {
  const codes = 'the codes by which the ledger knows its own entries';
  return {
    covers: [
      'every entry of the store that is signed, with its sealed parts',
      'every tile',
      'every checkpoint',
      'every map of the subjects',
      ...(codesChecked ? [codes] : []),
    ],
    notCovered: [
      'what was changed before it was signed',
      'store, log and keys changed together (a checkpoint kept elsewhere shows it: --checkpoint)',
      ...(codesChecked ? [] : [`${codes} (there is no keyring here)`]),
    ],
  };
}

function linesOf(verified: LedgerVerified): string[] {
  const { leaves, checkpoints, maps, unsigned } = verified;
  return [
    `All ${leaves} entries are what was signed, under ${checkpoints} checkpoints; the ${maps} maps of the subjects in the log are those of these entries.`,
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

async function tileReached(place: string): Promise<number> {
  if (!existsSync(place)) return 0;
  const { tile } = JSON.parse(await readFile(place, 'utf8')) as { tile?: unknown };
  return typeof tile === 'number' && Number.isSafeInteger(tile) && tile > 0 ? tile : 0;
}
