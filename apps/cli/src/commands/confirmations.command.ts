import { Option, type Command } from 'commander';
import type { AnswerKind, Confirmation, ConfirmationStatus, ConfirmationView } from '@sijill/cases';
import type { Ledger } from '@sijill/ledger';
import { parseReason } from '../terminal/identifier.js';
import { printable, printAnswer, table } from '../terminal/print.js';
import { commandReader, withLedger } from '../with-ledger.js';

const STATUSES: readonly ConfirmationStatus[] = ['open', 'confirmed', 'declined', 'expired'];
const AT_ONCE = 500;

interface Options {
  readonly reason: string;
  readonly json?: boolean;
}

export function addConfirmations(program: Command): void {
  const confirmations = program
    .command('confirmations')
    .summary('confirm or decline what another officer asked for')
    .description(
      'What needs two people: one asks, another confirms or declines, with that person’s own key (SIJILL_KEY). Whoever asked never confirms, by ' +
        'whatever key. What nobody answers within seven days is over. What was opened is fetched by whoever asked, over HTTP.',
    )
    .addHelpText(
      'after',
      '\nExamples:\n  $ sijill confirmations list\n  $ sijill confirmations confirm 4f1f0b6e-7f1c-4a3e-9a53-6a6f1c0d7b11 --reason "ticket 2201 checked"',
    );

  confirmations
    .command('list')
    .summary('list what was asked for, the newest first')
    .addOption(new Option('--status <status>', 'only these').choices(STATUSES))
    .option('--json', 'one JSON document')
    .addHelpText(
      'after',
      '\nExamples:\n  $ sijill confirmations list --status open\n  $ sijill confirmations list --json',
    )
    .action(async (options: { status?: ConfirmationStatus; json?: boolean }) => {
      const items = await withLedger(async (ledger) => {
        await commandReader(ledger);
        return (await all(ledger, options.status)).map((each) => ledger.confirmations.view(each));
      });
      printAnswer(options.json === true, { items }, () =>
        items.length === 0
          ? 'Nothing was asked for.'
          : table(
              ['id', 'what', 'about', 'asked by', 'until (UTC)', 'status'],
              items.map((each) => [
                each.confirmationId,
                each.what,
                aboutText(each),
                each.askedBy,
                each.expiresAt.slice(0, 16).replace('T', ' '),
                each.status,
              ]),
              [38, 14, 40, 16, 18, 11],
            ),
      );
    });

  confirmations
    .command('show')
    .summary('show one of them, and why it was asked for')
    .description(
      'Shows one of them with its reason. The reason may speak of people, so that looking at it is recorded.',
    )
    .argument('<id>', 'as list shows it')
    .requiredOption('--reason <text>', 'why you look at it; it is recorded')
    .option('--json', 'one JSON document')
    .addHelpText(
      'after',
      '\nExample:\n  $ sijill confirmations show 4f1f0b6e-7f1c-4a3e-9a53-6a6f1c0d7b11 --reason "asked to confirm it"',
    )
    .action(async (id: string, options: Options) => {
      const reason = parseReason(options.reason);
      const shown = await withLedger(async (ledger) => {
        const reader = await commandReader(ledger);
        const found = await ledger.confirmations.known(id.toLowerCase());
        const about = { confirmationId: found.confirmationId };
        await ledger.consultations.record({
          what: 'confirmation',
          subjectId: null,
          found: true,
          reason,
          reader,
          about,
        });
        return { ...ledger.confirmations.view(found), reason: await ledger.confirmations.reasonOf(found) };
      });
      printAnswer(options.json === true, shown, () =>
        [
          `${shown.what} of ${aboutText(shown)}, asked for by ${shown.askedBy}: ${shown.status}.`,
          `Why: ${printable(shown.reason ?? '(destroyed)')}`,
        ].join('\n'),
      );
    });

  addAnswer(confirmations, 'confirm', 'given', 'confirm what somebody else asked for');
  addAnswer(confirmations, 'decline', 'declined', 'decline it, or take back what one asked for oneself');
}

function addAnswer(confirmations: Command, name: 'confirm' | 'decline', kind: AnswerKind, summary: string): void {
  confirmations
    .command(name)
    .summary(summary)
    .argument('<id>', 'as list shows it')
    .requiredOption('--reason <text>', 'why; it is recorded')
    .option('--json', 'one JSON document')
    .addHelpText(
      'after',
      `\nExample:\n  $ sijill confirmations ${name} 4f1f0b6e-7f1c-4a3e-9a53-6a6f1c0d7b11 --reason "ticket 2201 checked"`,
    )
    .action(async (id: string, options: Options) => {
      const reason = parseReason(options.reason);
      const view = await withLedger(async (ledger) => {
        const reader = await commandReader(ledger);
        const answered = await ledger.confirmations.answer(id.toLowerCase(), kind, { reason, reader });
        return ledger.confirmations.view(answered);
      });
      printAnswer(options.json === true, view, () => answeredText(view));
    });
}

async function all({ confirmations }: Ledger, status: ConfirmationStatus | undefined): Promise<Confirmation[]> {
  const items: Confirmation[] = [];
  for (let before: number | null = null; ;) {
    const page = await confirmations.list({
      limit: AT_ONCE,
      ...(status === undefined ? {} : { status }),
      ...(before === null ? {} : { before }),
    });
    items.push(...page.items);
    if (page.next === null) return items;
    before = page.next;
  }
}

function aboutText({ about }: ConfirmationView): string {
  return about.entryId === null ? about.subjectIds.join(' and ') : `entry ${about.entryId}`;
}

function answeredText({ confirmationId, status, outcome }: ConfirmationView): string {
  const came =
    outcome === null
      ? ''
      : outcome.done
        ? ' It is done.'
        : ` Nothing could be done any more: ${outcome.code}${outcome.through.length === 0 ? '' : ` (${outcome.through.join(', ')})`}.`;
  return `${confirmationId} is ${status}.${came}`;
}
