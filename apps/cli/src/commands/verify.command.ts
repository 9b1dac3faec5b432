import { existsSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';
import { verifyLedger } from '@sijill/ledger';
import { createLogger } from '@sijill/platform';
import { openCheckpoint, verifyGrowth, verifyLeaf, verifyLog } from '@sijill/transparency';
import { EXIT } from '../exit-codes.js';
import { printAnswer } from '../terminal/print.js';
import { progressBar } from '../terminal/progress.js';
import { answer, cosignedText, factsOf, fileOf } from '../verification/answer.js';
import { keepJson } from '../verification/kept-file.js';
import { logSource } from '../verification/log-source.js';
import { collect, trustOf, withTrust, type TrustOptions } from '../verification/trust-options.js';
import { commandConfig } from '../with-ledger.js';
import { addVerifyBundle } from './verify-bundle.js';
import { addVerifyKeys } from './verify-keys.js';

export function addVerify(program: Command): void {
  const verify = program
    .command('verify')
    .summary('check proofs, logs and stores, with nothing but the verifier key')
    .description(
      'Checks that what is shown to you is what was signed. Nothing but the verifier key is trusted: take it from somewhere else than ' +
        'from whoever shows you the proof.',
    );

  withTrust(verify.command('entry'))
    .summary('check that an entry is in the log')
    .argument('<leaf>', 'file with the exact bytes of the leaf, as /v1/entries/{entryId}/leaf gives them')
    .argument('<proof>', 'file with the proof, as /v1/entries/{entryId}/proof gives it')
    .addHelpText(
      'after',
      '\nExample:\n  $ sijill verify entry entry.json entry.tlog-proof --key log.vkey\n  $ sijill verify entry entry.json entry.tlog-proof --key log.vkey --witness w1.vkey --witness w2.vkey --quorum 2',
    )
    .action(async (leafFile: string, proofFile: string, options: TrustOptions) => {
      const trust = await trustOf(options);
      const [leaf, proof] = [await fileOf(leafFile), await fileOf(proofFile)];
      await answer(options, () => {
        const { index, checkpoint } = verifyLeaf(leaf, proof.toString('utf8'), trust);
        return {
          facts: { index: String(index), ...factsOf(checkpoint) },
          line: `${leafFile} is entry ${index} of ${checkpoint.size} in the log ${checkpoint.origin}${cosignedText(checkpoint)}.`,
        };
      });
    });

  addVerifyBundle(verify);

  withTrust(verify.command('log'))
    .summary('check a whole log: its tiles and its checkpoint')
    .argument('<place>', 'folder with a copy of it (checkpoint, tile/…), or its address')
    .option('--since <file>', 'a checkpoint that you have kept: the log must have grown from it')
    .addHelpText(
      'after',
      '\nExamples:\n  $ sijill verify log https://ledger.example/log --key log.vkey\n  $ sijill verify log ./copy --key log.vkey --since checkpoint-of-march',
    )
    .action(async (place: string, options: TrustOptions & { since?: string }) => {
      const trust = await trustOf(options);
      const source = logSource(place);
      const since = options.since === undefined ? null : (await fileOf(options.since)).toString('utf8');
      const bar = progressBar('reading tiles');
      await answer(options, async () => {
        const checkpoint = await verifyLog(source, trust, (done, total) =>
          bar.update(Number(done), Number(total)),
        ).finally(() => bar.stop());
        const earlier = since === null ? null : openCheckpoint(since, trust);
        if (earlier !== null) await verifyGrowth(source, earlier, checkpoint);
        const grown = earlier === null ? '' : ` It has grown from the ${earlier.size} that you have kept.`;
        return {
          facts: { ...factsOf(checkpoint), since: earlier === null ? null : String(earlier.size) },
          line: `The log ${checkpoint.origin} has ${checkpoint.size} entries, and its tiles are those of its checkpoint${cosignedText(checkpoint)}.${grown}`,
        };
      });
    });

  addVerifyKeys(verify);

  withTrust(verify.command('store'))
    .summary('compare the whole store of this ledger with all that was signed over it')
    .option('--checkpoint <file>', 'a checkpoint kept elsewhere; can be given several times', collect, [])
    .option('--resume', 'go on where an earlier run was cut short')
    .addHelpText(
      'after',
      '\nThe store, and the log beside it, are those of the environment (SIJILL_DATA_DIR and others). No keyring is needed.\n' +
        '\nExamples:\n  $ sijill verify store --key log.vkey\n  $ sijill verify store --key log.vkey --checkpoint kept-in-march --resume',
    )
    .action(async (options: TrustOptions & { checkpoint: string[]; resume?: boolean }) => {
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
      const { findings, leaves, checkpoints, maps, unsigned } = verified;
      const [first] = findings;
      process.exitCode = first === undefined ? EXIT.done : EXIT.no;
      printAnswer(options.json === true, { ok: first === undefined, ...verified, fromTile }, () =>
        first === undefined
          ? `All ${leaves} entries are what was signed, under ${checkpoints} checkpoints; the ${maps} maps of the subjects in the log are those of these entries.` +
            (unsigned > 0 ? ` ${unsigned} more wait for their checkpoint.` : '')
          : [
              `NOT as it was signed. First: ${first.detail}.`,
              ...findings.slice(1, 20).map(({ detail }) => `Also: ${detail}.`),
            ].join('\n'),
      );
    });
}

const NOTE_EVERY_MS = 2_000;

async function tileReached(place: string): Promise<number> {
  if (!existsSync(place)) return 0;
  const { tile } = JSON.parse(await readFile(place, 'utf8')) as { tile?: unknown };
  return typeof tile === 'number' && Number.isSafeInteger(tile) && tile > 0 ? tile : 0;
}
