import type { Command } from 'commander';
import {
  proofLines,
  verifyAccountingProof,
  verifyReport,
  type Accounting,
  type Completeness,
  type ReportVerified,
} from '@sijill/transparency';
import { printable, table } from '../terminal/print.js';
import { answer, cosignedText, factsOf, lostParts, fileOf, signedParts, type Held } from '../verification/answer.js';
import { trustOf, withTrust, type TrustOptions } from '../verification/trust-options.js';

export function addVerifyBundle(verify: Command): void {
  withTrust(verify.command('bundle'))
    .summary("check what a person's accounting says, and that it leaves nothing out")
    .description(
      'Checks the proof that comes with an accounting of disclosures: that each entry is in the log, and, where it was made for an officer or a ' +
        'regulator, that none is left out. What the person itself receives never says that: it has one form whether or not anything is withheld.',
    )
    .argument('<file>', 'the accounting.proof that came with the report')
    .option(
      '--report <file>',
      'the accounting.json beside it: it must say what the entries say, all of it and nothing else',
    )
    .addHelpText(
      'after',
      '\nExamples:\n  $ sijill verify bundle accounting.proof --key log.vkey\n  $ sijill verify bundle accounting.proof --report accounting.json --key log.vkey --json',
    )
    .action(async (file: string, options: TrustOptions & { report?: string }) => {
      const trust = await trustOf(options);
      const proof = await fileOf(file);
      const report = options.report === undefined ? null : (await fileOf(options.report)).toString('utf8');
      await answer(options, () => {
        const accounting = verifyAccountingProof(proofLines(proof), trust);
        const verified = report === null ? null : verifyReport(accounting, report);
        const { subject, linked, checkpoint, complete, entries, openConflicts } = accounting;
        const facts = {
          subject,
          linked,
          complete: complete !== null,
          entries: entries.length,
          withheld: complete && entries.filter(({ entry }) => entry === 'withheld').length,
          openConflicts: complete && openConflicts.length,
          covered: complete && String(complete.covered),
          mappedAt: complete && complete.mappedAt,
          ...factsOf(checkpoint),
          report: verified === null ? null : { ...verified, unproven: String(verified.unproven) },
        };
        const lines = [
          entriesText(accounting),
          ...(complete === null ? linesText(accounting) : completeText(accounting, complete)),
          ...(verified === null ? [] : [reportText(verified)]),
        ];
        return { ...coverageOf(accounting, verified), facts, line: lines.filter((line) => line !== '').join('\n') };
      });
    });
}

function linesText({ entries, checkpoint, ...accounting }: Accounting): string[] {
  return [
    `Each of these ${entries.length} entries about ${personText(accounting)} is in the log ${checkpoint.origin}, under its checkpoint of ` +
      `${checkpoint.size} entries${cosignedText(checkpoint)}. That there are no others is not said: what an authority has ordered not ` +
      'to be told would be missing.',
  ];
}

function completeText(accounting: Accounting, { covered, mappedAt, kinds }: Completeness): string[] {
  const { entries, checkpoint } = accounting;
  const withheld = entries.filter(({ entry }) => entry === 'withheld').length;
  return [
    `These ${entries.length} entries are all there are of the kinds ${kinds.join(' and ')} about ${personText(accounting)} among the ` +
      `first ${covered} of the log ${checkpoint.origin}, as of ${mappedAt}, under its checkpoint of ${checkpoint.size} entries` +
      `${cosignedText(checkpoint)}.`,
    ...(withheld > 0
      ? [`${withheld} of them are shown by their hash alone: whether a report has them cannot be said.`]
      : []),
    ...openConflictsText(accounting),
  ];
}

function coverageOf(
  { checkpoint, complete, entries }: Accounting,
  verified: ReportVerified | null,
): Pick<Held, 'covers' | 'notCovered'> {
  const ofReport = verified === null ? [] : ['what the report says openly of its disclosures'];
  return {
    covers: [
      ...(complete === null
        ? [`${entries.length} entries about this subject, each by itself`, ...ofReport]
        : [
            ...complete.kinds.map(
              (kind) => `all entries of the kind ${kind} among the first ${complete.covered} of the log`,
            ),
            'who is linked to the subject',
            ...ofReport,
            ...(verified === null ? [] : ['that no disclosure is missing in the report']),
          ]),
      ...signedParts(checkpoint),
    ],
    notCovered: [
      ...(complete === null ? ['whether there are other entries about this subject'] : ['entries of other kinds']),
      'which person the subject is',
      'whether what producers said is true',
      'what is sealed',
      ...lostParts(checkpoint),
      ...(verified === null
        ? ['a report (--report)']
        : verified.notCompared.map((member) => `of the report: ${printable(member)}`)),
      ...(verified !== null && verified.unproven > 0n ? [`${verified.unproven} leaves behind those of the map`] : []),
    ],
  };
}

function personText({ subject, linked }: Pick<Accounting, 'subject' | 'linked'>): string {
  if (linked.length === 0) return `the subject ${subject}, whom nobody is linked to,`;
  return `the subject ${subject} and those linked to it, ${linked.join(', ')},`;
}

function openConflictsText({ openConflicts }: Accounting): string[] {
  if (openConflicts.length === 0) return [];
  return [
    `The ledger has not settled whether somebody else in it is this person too; open cases: ${openConflicts.length}. ` +
      'Of entries about them nothing is said here.',
  ];
}

function reportText({ disclosures, complete, ...verified }: ReportVerified): string {
  const { conflicts, newer, uncounted, unproven, notCompared } = verified;
  return [
    complete
      ? `The report says what they say openly: all ${disclosures} disclosures of its period, and no other.`
      : `The report says what they say openly: each of its ${disclosures} disclosures is one of them.`,
    ...(conflicts > 0
      ? [`Conflicting, since their event's identity was used before for something else: ${conflicts}.`]
      : []),
    ...(notCompared.length > 0
      ? [`Not compared, since no leaf shows it: ${notCompared.map(printable).join(', ')}.`]
      : []),
    ...(unproven > 0n ? [`Nothing is proven of the leaves behind those that the map covers: ${unproven}.`] : []),
    ...(newer > 0 ? [`${newer} were recorded after it.`] : []),
    ...(uncounted > 0 ? [`Not counted, since they repeat an event that was recorded before: ${uncounted}.`] : []),
  ].join(' ');
}

const ENTRIES_SHOWN = 500;

/** What the entries are, in the order of the log: the first of them, for a terminal is no place to read a hundred thousand. */
function entriesText({ entries }: Accounting): string {
  if (entries.length === 0) return '';
  const rows = entries.slice(0, ENTRIES_SHOWN).map(({ index, entry }) => {
    if (entry === 'withheld') return [String(index), '', 'withheld', ''];
    const { occurredAt, recipient } = entry.data as { occurredAt?: unknown; recipient?: { name?: unknown } };
    const when = typeof occurredAt === 'string' ? printable(occurredAt).slice(0, 16).replace('T', ' ') : '';
    const name = recipient?.name;
    return [String(index), when, printable(entry.type), typeof name === 'string' ? printable(name) : ''];
  });
  const more = entries.length > ENTRIES_SHOWN ? `\n… and ${entries.length - ENTRIES_SHOWN} more` : '';
  return `${table(['leaf', 'when (UTC)', 'what', 'to whom'], rows, [12, 18, 36, 40])}${more}`;
}
