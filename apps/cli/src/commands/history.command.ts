import type { Command } from 'commander';
import type { AsOf, Disclosure } from '@sijill/contracts';
import type { Ledger } from '@sijill/ledger';
import { disclosureHistory, openingWith } from '@sijill/read-models';
import { EXIT } from '../exit-codes.js';
import { parseIdentifier, parseReason } from '../terminal/identifier.js';
import { printable, printAnswer, table } from '../terminal/print.js';
import { commandConfig, commandReader, withLedger } from '../with-ledger.js';

export function addHistory(program: Command): void {
  program
    .command('history')
    .summary("show who received a person's data")
    .description(
      'Shows the disclosure history of one person, newest first: of whom the identifier leads to now, and of all that are linked to it. The look-up itself is recorded in the ledger, with its reason.',
    )
    .requiredOption('--identifier <scheme:value>', 'phone:…, email:…, account:…, national_id:…, device:…')
    .option('--realm <realm>', 'of an account or device, default unless given; of a national id the country')
    .requiredOption('--reason <text>', 'why you look this person up; it is recorded')
    .option('--json', 'one JSON document')
    .addHelpText(
      'after',
      '\nExamples:\n  $ sijill history --identifier phone:+966500000042 --reason "access request 17"\n  $ sijill history --identifier account:acc-42 --realm billing --reason "complaint 4" --json',
    )
    .action(async (options: { identifier: string; realm?: string; reason: string; json?: boolean }) => {
      const identifier = parseIdentifier(options.identifier, commandConfig().defaultRegion, options.realm);
      const reason = parseReason(options.reason);
      const history = await withLedger(async (ledger) => {
        const reader = await commandReader(ledger);
        await ledger.limits.take(reader.principal, 'lookup');
        await ledger.readModels.catchUp(ledger.store);
        const asOf = await ledger.readModels.asOf('activity-timeline');
        const found = await ledger.vault.directory.lookUp(identifier);
        await ledger.consultations.record({
          what: 'disclosures',
          subjectId: found?.subjectId ?? null,
          found: found !== null,
          reason,
          reader,
        });
        if (found === null) return { subjectId: null, linked: [], openConflicts: 0, items: [], asOf };
        const { subjectId, linked, openConflicts } = found;
        const items = await allDisclosures(ledger, [subjectId, ...linked]);
        return { subjectId, linked, openConflicts, items, asOf };
      });
      printAnswer(options.json === true, history, () =>
        history.subjectId === null
          ? 'Nobody in this ledger has that identifier.'
          : [historyText(history.items, history.asOf), ...openConflictsText(history.openConflicts)].join('\n'),
      );
      process.exitCode = history.subjectId === null ? EXIT.no : EXIT.done;
    });
}

async function allDisclosures({ vault, readModels }: Ledger, subjectIds: readonly string[]): Promise<Disclosure[]> {
  const openerFor = openingWith(vault.secrets);
  const items: Disclosure[] = [];
  for (let cursor: string | null = null; ;) {
    const page = await disclosureHistory(readModels.sql.reader, openerFor, { subjectIds }, { limit: 500, cursor });
    items.push(...page.items);
    if (page.next === null) return items;
    cursor = page.next;
  }
}

function openConflictsText(openConflicts: number): string[] {
  if (openConflicts === 0) return [];
  return [
    `Who is the same person as this one is not settled in ${openConflicts} cases: what belongs here may be missing.`,
  ];
}

/** The history as a table that fits a terminal of 120 columns; the newest so many of all. */
export function historyText(all: readonly Disclosure[], asOf: AsOf, most = Number.POSITIVE_INFINITY): string {
  const items = all.slice(0, most);
  const shown = items.length < all.length ? `the newest ${items.length} of ${all.length}` : String(all.length);
  const conflicts = all.filter(({ standing }) => standing === 'conflict').length;
  const apart = conflicts === 0 ? '' : `, ${conflicts} of them under an event id that had said something else before`;
  const foot = `${shown} disclosures${apart}; the ledger stood at position ${asOf.position} (${asOf.time})`;
  if (items.length === 0) return `No disclosure of this person's data is recorded.\n${foot}`;
  const rows = items.map((item) => [
    `${item.occurredAt.slice(0, 16).replace('T', ' ')}${item.standing === 'conflict' ? '\n(conflict)' : ''}`,
    `${printable(item.recipient.name ?? item.recipient.id ?? '')}\n${[item.recipient.capacity ?? item.recipient.class, item.recipient.country].filter(Boolean).join(', ')}`,
    item.dataCategories.join('\n'),
    item.purpose ?? '',
    [item.ground ?? '', printable(item.request?.reference ?? '')].filter((text) => text !== '').join('\n'),
  ]);
  return `${table(['when (UTC)', 'to whom', 'what', 'why', 'ground'], rows, [18, 24, 25, 27, 20])}\n${foot}`;
}
