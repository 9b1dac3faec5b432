import type { Command } from 'commander';
import {
  formatVerifierKey,
  isRefusal,
  named,
  parseNote,
  parseReceipt,
  promisedEntryOf,
  verifyReceipt,
  type VerifiedReceipt,
} from '@sijill/transparency';
import { parsePastTime } from '../terminal/identifier.js';
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
  type Held,
} from '../verification/answer.js';
import { logSource, LogUnreadable } from '../verification/log-source.js';
import { collect, trustOf, withTrust, type TrustOptions } from '../verification/trust-options.js';

interface ReceiptOptions extends TrustOptions {
  readonly log: string;
  readonly receiptKeys?: string;
  readonly asOf?: string;
  readonly leaf: readonly string[];
}

/** What of a receipt was verified, and with what else. */
interface Checked {
  readonly verified: VerifiedReceipt;
  /** The entries whose leaves were there to be looked at, by their ids. */
  readonly leavesOf: ReadonlySet<string>;
  /** Null of a copy of which nobody said when it was made. */
  readonly askedAt: number | null;
}

export function addVerifyReceipt(verify: Command): void {
  withTrust(verify.command('receipt'))
    .summary('check whether the log has kept what a receipt promised')
    .description(
      'Looks in the log for the entries that a receipt promised. Ends with 0 when the log holds all of them; with 1 when one is missing ' +
        'and due, or lost with others as the log says, or the receipt is none of this log; with 3 while what is missing is not due yet, and when something cannot be read.',
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
    .option(
      '--as-of <time>',
      'when a copy in a folder was made, an RFC 3339 time that is over; without it a copy proves no delay',
    )
    .option(
      '--leaf <file>',
      "the leaf of one of the receipt's entries, as /v1/entries/{entryId}/leaf gives it: it must be that of the id; can be given several times",
      collect,
      [],
    )
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
      const askedAt = parsePastTime('--as-of', options.asOf) ?? (log.isLive ? Date.now() : null);
      const leaves = await Promise.all(options.leaf.map(async (name) => ({ name, bytes: await fileOf(name) })));
      const bar = progressBar('reading tiles');
      await answer(options, async () => {
        const verified = await verifyReceipt(text, source, trust, {
          askedAt,
          keptKeys: kept !== null,
          onProgress: (done, size) => bar.update(Number(done), Number(size)),
        }).finally(() => bar.stop());
        const entries = leaves.map(({ name, bytes }) => named(name, () => promisedEntryOf(bytes, verified.receipt)));
        return heldOf({ verified, leavesOf: new Set(entries.map(({ id }) => id)), askedAt });
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

const HOLDS = { kept: true, broken: false, lost: false, pending: null } as const;

function heldOf(checked: Checked): Held {
  const { verdict, receipt, signedWith, checkpoint, seenAt, held, missing, losses } = checked.verified;
  const seen = seenAt === null ? null : new Date(seenAt).toISOString();
  return {
    holds: HOLDS[verdict],
    covers: coversOf(checked),
    notCovered: notCoveredOf(checked),
    facts: {
      promise: verdict,
      acceptedAt: receipt.acceptedAt,
      dueAt: receipt.dueAt,
      seenAt: seen,
      signedWith: signedWith === null ? null : formatVerifierKey(signedWith.key),
      entries: held.map(({ id, index }) => ({ entryId: id, index: String(index) })),
      missing: missing.map(({ id }) => id),
      lost: losses.map(lossFacts),
      ...factsOf(checkpoint),
    },
    line: [
      `The receipt of ${receipt.acceptedAt} promised ${receipt.entries.length} entries by ${receipt.dueAt}.`,
      ...(signedWith === null ? notYetAnnounced(checked) : lineOf(checked.verified, seen)),
    ].join(' '),
  };
}

function coversOf({ verified, leavesOf }: Checked): string[] {
  const { receipt, signedWith, checkpoint, missing } = verified;
  const ofLeaves = leavesOf.size === 0 ? [] : [`that ${leavesOf.size} of its ids are those of their leaves`];
  if (signedWith === null)
    return ["the log's announcements of keys for receipts", ...ofLeaves, ...signedParts(checkpoint)];
  return [
    'the signature of the receipt',
    "the log's announcement of the key that it is signed with",
    missing.length === 0
      ? 'each leaf that it promises, by its hash'
      : `every leaf of the log from leaf ${receipt.leaves} on`,
    ...ofLeaves,
    ...signedParts(checkpoint),
  ];
}

function notCoveredOf({ verified, leavesOf, askedAt }: Checked): string[] {
  const { verdict, receipt, signedWith, checkpoint } = verified;
  const byWord = askedAt === null ? [] : ['but for your word or your clock'];
  return [
    ...(signedWith === null ? ['the signature of the receipt, and so all that it says'] : []),
    'what the entries say',
    ...(verdict === 'lost' ? ['whether the missing entries are among those that were lost'] : lostParts(checkpoint)),
    ...(leavesOf.size < receipt.entries.length
      ? ['whether these leaves are those of the entries that it names (--leaf)']
      : []),
    ...(verdict === 'kept' && !isInTime(verified) ? ['whether they were there in time, or came later'] : []),
    ...(verdict === 'kept' && isInTime(verified) ? byWord.map((but) => `that they were there in time, ${but}`) : []),
    ...(verdict === 'broken' ? byWord.map((but) => `that the log has nothing newer, ${but}`) : []),
    ...(checkpoint.cosignatures.length > 0
      ? ['whether the log has given others a newer checkpoint than these witnesses, who cosign the same tree again']
      : []),
    ...(signedWith !== null && signedWith.checkpoint.size > checkpoint.size
      ? ['whether the log has grown from this copy to where it shows that key']
      : []),
  ];
}

/** Whether what was looked at was there before it was due. */
function isInTime({ seenAt, receipt }: VerifiedReceipt): boolean {
  return seenAt !== null && seenAt <= Date.parse(receipt.dueAt);
}

function lineOf(verified: VerifiedReceipt, seen: string | null): string[] {
  const { verdict, checkpoint, missing, losses } = verified;
  const log = `The log ${checkpoint.origin}, of ${checkpoint.size} entries${cosignedText(checkpoint)},`;
  if (verdict === 'kept')
    return [
      `${log} holds all of them: the promise was KEPT${isInTime(verified) ? ', in time' : '; whether in time is not shown'}.`,
    ];
  const without = `${log} does not hold ${missing.length} of them: ${missing.map(({ id }) => id).join(', ')}.`;
  if (verdict === 'lost')
    return [without, ...losses.map(lossText), 'These may be among them: the promise is LOST with them, on record.'];
  if (verdict === 'broken') return [without, `That was so at ${seen}: the promise was BROKEN.`];
  const late =
    seen === null ? 'Nothing shows how old this copy is; ask the log itself, or say --as-of.' : 'Ask again then.';
  return [without, `They are not shown to be due. ${late}`];
}

function notYetAnnounced({ verified: { checkpoint } }: Checked): string[] {
  return [
    `It is signed with a key for receipts of the log ${checkpoint.origin} that is not among those announced here, which may be older.`,
    'Ask the log itself, take a newer copy or newer announcements, or say when the copy was made (--as-of).',
  ];
}
