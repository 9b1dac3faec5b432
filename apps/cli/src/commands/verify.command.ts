import type { Command } from 'commander';
import {
  followGrowth,
  openCheckpoint,
  readAnyLeaf,
  readLeaf,
  textOf,
  verifyLeaf,
  verifyLog,
  verifyOpening,
  type OpeningVerified,
} from '@sijill/transparency';
import { printable } from '../terminal/print.js';
import { progressBar } from '../terminal/progress.js';
import {
  answer,
  cosignedText,
  factsOf,
  fileOf,
  lossFacts,
  lossText,
  lostParts,
  signedParts,
} from '../verification/answer.js';
import { logSource } from '../verification/log-source.js';
import { trustOf, withTrust, type TrustOptions } from '../verification/trust-options.js';
import { addVerifyBundle } from './verify-bundle.js';
import { addVerifyKeys } from './verify-keys.js';
import { addVerifyReceipt } from './verify-receipt.js';
import { addVerifyStore } from './verify-store.js';

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
    .option(
      '--opened <file>',
      'the unsealed entry, as /v1/entries/{entryId}/unseal gives it: it must be what is sealed in the leaf',
    )
    .addHelpText(
      'after',
      '\nExample:\n  $ sijill verify entry entry.json entry.tlog-proof --key log.vkey\n  $ sijill verify entry entry.json entry.tlog-proof --key log.vkey --witness w1.vkey --witness w2.vkey --quorum 2\n  $ sijill verify entry entry.json entry.tlog-proof --opened unsealed.json --key log.vkey',
    )
    .action(async (leafFile: string, proofFile: string, options: TrustOptions & { opened?: string }) => {
      const trust = await trustOf(options);
      const leaf = await fileOf(leafFile);
      const proof = (await fileOf(proofFile)).toString('utf8');
      const unsealed = options.opened === undefined ? null : (await fileOf(options.opened)).toString('utf8');
      await answer(options, async () => {
        const { index, checkpoint } = verifyLeaf(leaf, proof, trust);
        const opened = unsealed === null ? null : await verifyOpening(readLeaf(textOf(leaf)), unsealed);
        const entry = readAnyLeaf(textOf(leaf));
        const isForeign = 'foreign' in entry;
        const { lane, revision } = entry;
        return {
          covers: [
            'the leaf, to the byte',
            'its place in the log',
            ...signedParts(checkpoint),
            ...(opened === null ? [] : openedParts(opened)),
          ],
          notCovered: isForeign
            ? ['what the event says: the ledger has not written it']
            : ['whether what the entry says is true', ...closedParts(opened), ...lostParts(checkpoint)],
          facts: {
            index: String(index),
            foreign: isForeign,
            lane,
            revision,
            ...factsOf(checkpoint),
            opened: opened === null ? null : opened.sealed,
          },
          line:
            `${leafFile} is ${isForeign ? 'leaf' : 'entry'} ${index} of ${checkpoint.size} in the log ${checkpoint.origin}${cosignedText(checkpoint)}.` +
            (isForeign
              ? ` It is FOREIGN: somebody else has put an event into the lane ${printable(lane)}, at ${revision}, and nothing that it says is the ledger's.`
              : '') +
            (opened === null ? '' : `\n${openedText(opened)}`),
        };
      });
    });

  addVerifyBundle(verify);

  addVerifyReceipt(verify);

  withTrust(verify.command('log'))
    .summary('check a whole log: its tiles and its checkpoint')
    .argument('<place>', 'folder with a copy of it (checkpoint, tile/…), or its address')
    .option(
      '--since <file>',
      'a checkpoint that you have kept: the log must have grown from it, but for losses that it tells of',
    )
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
        const { losses, isWhole } =
          earlier === null ? NOT_FOLLOWED : await followGrowth(source, earlier, checkpoint, trust);
        const grown =
          earlier === null || losses.length > 0 ? '' : ` It has grown from the ${earlier.size} that you have kept.`;
        return {
          holds: isWhole ? true : null,
          covers: [
            'every tile of the log',
            ...signedParts(checkpoint),
            ...(since === null || !isWhole ? [] : [growthText(losses)]),
          ],
          notCovered: [
            'what the entries say, and whether the store still holds them',
            ...(since === null ? ['whether it is the history that others were shown (--since, --witness)'] : []),
            ...(isWhole ? [] : ['its growth from the checkpoint kept: the entry of an earlier loss is lost itself']),
            ...lostParts(checkpoint),
          ],
          facts: {
            ...factsOf(checkpoint),
            since: earlier === null ? null : String(earlier.size),
            lost: losses.map(lossFacts),
          },
          line: [
            `The log ${checkpoint.origin} has ${checkpoint.size} entries, and its tiles are those of its checkpoint${cosignedText(checkpoint)}.${grown}`,
            ...losses.map(lossText),
          ].join('\n'),
        };
      });
    });

  addVerifyKeys(verify);

  addVerifyStore(verify);
}

const NOT_FOLLOWED = { losses: [], isWhole: true } as const;

function growthText(losses: readonly unknown[]): string {
  return losses.length === 0
    ? 'its growth from the checkpoint kept'
    : 'its growth from the checkpoint kept up to what was lost, and from what is left of that';
}

function openedParts({ sealed }: OpeningVerified): string[] {
  return Object.keys(sealed).map((part) => `what is sealed in its part ${printable(part)}`);
}

function closedParts(opened: OpeningVerified | null): string[] {
  if (opened === null) return ['what is sealed in it'];
  const closed = opened.closed.map((part) => `what is sealed in its part ${printable(part)}, which was not opened`);
  return opened.destroyed ? [...closed, "that parts were destroyed, which is the ledger's word"] : closed;
}

/** What was opened, part by part, as it was opened here. */
function openedText({ sealed }: OpeningVerified): string {
  return Object.entries(sealed)
    .map(([part, said]) => `${printable(part)}: ${printable(JSON.stringify(said))}`)
    .join('\n');
}
