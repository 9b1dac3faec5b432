import type { Command } from 'commander';
import {
  formatVerifierKey,
  isRefusal,
  parseNote,
  parseReceipt,
  verifyReceipt,
  type VerifiedReceipt,
} from '@sijill/transparency';
import { WrongUse } from '../exit-codes.js';
import { progressBar } from '../terminal/progress.js';
import { answer, cosignedText, factsOf, fileOf, signedParts, type Held } from '../verification/answer.js';
import { logSource, LogUnreadable } from '../verification/log-source.js';
import { trustOf, withTrust, type TrustOptions } from '../verification/trust-options.js';

interface ReceiptOptions extends TrustOptions {
  readonly log: string;
  readonly receiptKeys?: string;
  readonly asOf?: string;
}

export function addVerifyReceipt(verify: Command): void {
  withTrust(verify.command('receipt'))
    .summary('check whether the log has kept what a receipt promised')
    .description(
      'Looks in the log for the entries that a receipt promised. Ends with 0 when the log holds all of them; with 1 when one is missing ' +
        'and due, or the receipt is none of this log; with 3 while what is missing is not due yet, and when something cannot be read.',
    )
    .argument('<receipt>', 'file with the receipt, the member of that name of the answer to POST /v1/events')
    .requiredOption(
      '--log <place>',
      "the log's address, or a folder with a copy of it (checkpoint, receipt-keys, tile/…)",
    )
    .option(
      '--receipt-keys <file>',
      'the announcements that you have kept of /log/receipt-keys, in place of those there',
    )
    .option('--as-of <time>', 'when a copy in a folder was made; without it a copy proves no delay (RFC 3339)')
    .addHelpText(
      'after',
      '\nExamples:\n  $ sijill verify receipt receipt --log https://ledger.example/log --key log.vkey\n' +
        '  $ sijill verify receipt receipt --log ./copy --as-of 2026-07-01T12:00:00Z --key log.vkey --json',
    )
    .action(async (file: string, options: ReceiptOptions) => {
      const trust = await trustOf(options);
      const text = await receiptIn(file);
      const log = logSource(options.log);
      const kept = options.receiptKeys === undefined ? null : (await fileOf(options.receiptKeys)).toString('utf8');
      const source = kept === null ? log : { ...log, receiptKeys: () => Promise.resolve(kept) };
      const askedAt = timeOf(options.asOf) ?? (log.isLive ? Date.now() : null);
      const bar = progressBar('reading tiles');
      await answer(options, async () => {
        const verified = await verifyReceipt(text, source, trust, {
          askedAt,
          onProgress: (leaves, size) => bar.update(Number(leaves), Number(size)),
        }).finally(() => bar.stop());
        return heldOf(verified);
      });
    });
}

/** The text of a receipt. Whoever saved it as a line has a newline more. @throws LogUnreadable it is none */
async function receiptIn(file: string): Promise<string> {
  const text = (await fileOf(file)).toString('utf8').replace(/\n\n$/, '\n');
  try {
    parseReceipt(parseNote(text).text);
    return text;
  } catch (error) {
    if (isRefusal(error)) throw new LogUnreadable(`${file} is no receipt: ${error.message}`);
    throw error;
  }
}

/** @throws WrongUse */
function timeOf(text: string | undefined): number | null {
  if (text === undefined) return null;
  const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(time)) throw new WrongUse('--as-of takes a time such as 2026-07-01T12:00:00Z');
  return time;
}

const HOLDS = { kept: true, broken: false, pending: null } as const;

function heldOf(verified: VerifiedReceipt): Held {
  const { verdict, receipt, signedWith, checkpoint, seenAt, held, missing } = verified;
  const seen = seenAt === null ? null : new Date(seenAt).toISOString();
  return {
    holds: HOLDS[verdict],
    covers: [
      'the signature of the receipt',
      "the log's announcement of the key that it is signed with",
      missing.length === 0
        ? 'each of its entries, to the byte of its leaf'
        : `every leaf of the log from leaf ${receipt.leaves} on`,
      ...signedParts(checkpoint),
    ],
    notCovered: [
      'what the entries say',
      ...(verdict === 'kept' ? ['whether they were there in time, or came later'] : []),
      ...(verdict === 'broken' && checkpoint.cosignatures.length === 0
        ? ['that the log has nothing newer, but for your word or your clock']
        : []),
    ],
    facts: {
      promise: verdict,
      acceptedAt: receipt.acceptedAt,
      dueAt: receipt.dueAt,
      seenAt: seen,
      signedWith: formatVerifierKey(signedWith.key),
      entries: held.map(({ id, index }) => ({ entryId: id, index: String(index) })),
      missing: missing.map(({ id }) => id),
      ...factsOf(checkpoint),
    },
    line: [
      `The receipt of ${receipt.acceptedAt} promised ${receipt.entries.length} entries by ${receipt.dueAt}.`,
      ...lineOf(verified, seen),
    ].join(' '),
  };
}

function lineOf({ verdict, checkpoint, missing }: VerifiedReceipt, seen: string | null): string[] {
  const log = `The log ${checkpoint.origin}, of ${checkpoint.size} entries${cosignedText(checkpoint)},`;
  if (verdict === 'kept') return [`${log} holds all of them: the promise was KEPT.`];
  const without = `${log} does not hold ${missing.length} of them: ${missing.map(({ id }) => id).join(', ')}.`;
  if (verdict === 'broken') return [without, `That was so at ${seen}: the promise was BROKEN.`];
  const late =
    seen === null ? 'Nothing shows how old this copy is; ask the log itself, or say --as-of.' : 'Ask again then.';
  return [without, `They are not shown to be due. ${late}`];
}
