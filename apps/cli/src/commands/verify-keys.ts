import type { Command } from 'commander';
import { formatVerifierKey, verifyKeyChain } from '@sijill/transparency';
import { answer, cosignedText, factsOf, lostParts, signedParts } from '../verification/answer.js';
import { logSource } from '../verification/log-source.js';
import { trustOf, withTrust, type TrustOptions } from '../verification/trust-options.js';

export function addVerifyKeys(verify: Command): void {
  withTrust(verify.command('keys'))
    .summary('follow a log from a key that you trust to those that it signs with now')
    .description(
      'Checks what the log has announced about its keys: each announcement is in the log, under a checkpoint that a key signed which ' +
        'was trusted before, and the log has grown from there to what it is. Shows the keys to trust from now on.',
    )
    .argument('<place>', "the log's address, or a folder with a copy of it (checkpoint, keys, tile/…)")
    .addHelpText(
      'after',
      '\nExamples:\n  $ sijill verify keys https://ledger.example/log --key old.vkey\n  $ sijill verify keys ./copy --key old.vkey --json',
    )
    .action(async (place: string, options: TrustOptions) => {
      const trust = await trustOf(options);
      const source = logSource(place);
      await answer(options, async () => {
        const chain = await source.keys();
        const { keys, announcements, checkpoint } = await verifyKeyChain(
          source,
          chain,
          await source.checkpoint(),
          trust,
        );
        const now = keys.map(formatVerifierKey);
        const changes = announcements.map(({ what, generation, key, announcedAt, index }) => ({
          what,
          generation,
          key: formatVerifierKey(key),
          announcedAt,
          index: String(index),
        }));
        return {
          covers: [
            'each announcement of a key',
            'the growth of the log from one to the next',
            ...signedParts(checkpoint),
          ],
          notCovered: [
            'who held the keys',
            'a key that was retired since, where its announcement is kept from you',
            ...lostParts(checkpoint),
          ],
          facts: { keys: now, announcements: changes, ...factsOf(checkpoint) },
          line: [
            ...changes.map(
              ({ what, generation, announcedAt, index }) =>
                `Leaf ${index}, of ${announcedAt}: the key of generation ${generation} is ${what}.`,
            ),
            `The log ${checkpoint.origin}, of ${checkpoint.size} entries${cosignedText(checkpoint)}, is signed with what this leads to. Trust from now on:`,
            ...now,
          ].join('\n'),
        };
      });
    });
}
