import type { Command } from 'commander';
import type { AsOf, Disclosure } from '@sijill/contracts';
import type { Ledger } from '@sijill/ledger';
import { disclosureHistory } from '@sijill/read-models';
import { EXIT } from '../exit-codes.js';
import { parseIdentifier, parseReason } from '../terminal/identifier.js';
import { printable, printAnswer, table } from '../terminal/print.js';
import { COMMAND_READER, commandConfig, withLedger } from '../with-ledger.js';

export function addHistory(program: Command): void {
  program
    .command('history')
    .summary("show who received a person's data")
    .description(
      'Shows the disclosure history of one person, newest first. The look-up itself is recorded in the ledger, with its reason.',
    )
    .requiredOption('--identifier <scheme:value>', 'phone:…, email:…, account:…, national_id:…, device:…')
    .requiredOption('--reason <text>', 'why you look this person up; it is recorded')
    .option('--json', 'one JSON document')
    .addHelpText(
      'after',
      '\nExamples:\n  $ sijill history --identifier phone:+966500000042 --reason "access request 17"\n  $ sijill history --identifier email:layla@example.com --reason "complaint 4" --json',
    )
    .action(async (options: { identifier: string; reason: string; json?: boolean }) => {
      const identifier = parseIdentifier(options.identifier, commandConfig().defaultRegion);
      const reason = parseReason(options.reason);
      const history = await withLedger(async (ledger) => {
        await ledger.readModels.catchUp(ledger.store);
        const subjectId = await ledger.vault.find(identifier);
        await ledger.consultations.record({
          what: 'disclosures',
          subjectId,
          found: subjectId !== null,
          reason,
          reader: COMMAND_READER,
        });
        const asOf = await ledger.readModels.asOf();
        return { subjectId, items: subjectId === null ? [] : await allDisclosures(ledger, subjectId), asOf };
      });
      printAnswer(options.json === true, history, () =>
        history.subjectId === null
          ? 'Nobody in this ledger has that identifier.'
          : historyText(history.items, history.asOf),
      );
      process.exitCode = history.subjectId === null ? EXIT.no : EXIT.done;
    });
}

async function allDisclosures(ledger: Ledger, subjectId: string): Promise<Disclosure[]> {
  const erased = !(await ledger.vault.has(subjectId));
  const items: Disclosure[] = [];
  for (let cursor: string | null = null; ;) {
    const page = await disclosureHistory(ledger.readModels.sql.reader, { subjectId }, { limit: 500, cursor }, erased);
    items.push(...page.items);
    if (page.next === null) return items;
    cursor = page.next;
  }
}

/** The history as a table that fits a terminal of 120 columns; the newest so many of all. */
export function historyText(all: readonly Disclosure[], asOf: AsOf, most = Number.POSITIVE_INFINITY): string {
  const items = all.slice(0, most);
  const shown = items.length < all.length ? `the newest ${items.length} of ${all.length}` : String(all.length);
  const foot = `${shown} disclosures; the ledger stood at position ${asOf.position} (${asOf.time})`;
  if (items.length === 0) return `No disclosure of this person's data is recorded.\n${foot}`;
  const rows = items.map((item) => [
    item.occurredAt.slice(0, 16).replace('T', ' '),
    `${printable(item.recipient.name)}\n${[item.recipient.capacity ?? item.recipient.class, item.recipient.country].filter(Boolean).join(', ')}`,
    item.dataCategories.join('\n'),
    item.purpose ?? '',
    [item.ground ?? '', printable(item.request?.reference ?? '')].filter((text) => text !== '').join('\n'),
  ]);
  return `${table(['when (UTC)', 'to whom', 'what', 'why', 'ground'], rows, [18, 24, 25, 27, 20])}\n${foot}`;
}
