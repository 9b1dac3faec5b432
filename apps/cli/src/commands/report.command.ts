import { writeFile } from 'node:fs/promises';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { Option, type Command } from 'commander';
import type { ReportFile, ReportFormat, ReportLanguage } from '@sijill/reports';
import { EXIT, WrongUse } from '../exit-codes.js';
import { parseIdentifier, parseTime, parseReason } from '../terminal/identifier.js';
import { printAnswer } from '../terminal/print.js';
import { commandConfig, commandReader, withLedger } from '../with-ledger.js';

interface AccountingOptions {
  readonly identifier: string;
  readonly realm?: string;
  readonly reason: string;
  readonly from?: string;
  readonly to?: string;
  readonly format: ReportFormat;
  readonly lang: ReportLanguage;
  readonly out: string;
  readonly json?: boolean;
}

export function addReport(program: Command): void {
  program
    .command('report')
    .summary('make a report')
    .description('Makes a report from the ledger.')
    .addHelpText(
      'after',
      '\nExample:\n  $ sijill report accounting --identifier phone:+966500000042 --reason "access request 17" --out accounting.pdf',
    )
    .command('accounting')
    .summary("the accounting of disclosures: who received one person's data")
    .description(
      "Writes who received one person's data, when, why and on which ground, up to now: of whom the identifier leads to, and of all " +
        'that are linked to it. The report and this look-up become entries of the ledger, with who asked and why.',
    )
    .requiredOption('--identifier <scheme:value>', 'phone:…, email:…, account:…, national_id:…, device:…')
    .option('--realm <realm>', 'of an account or device, default unless given; of a national id the country')
    .requiredOption('--reason <text>', 'why the report is made; it is recorded and printed')
    .option('--from <time>', 'from this time of the event on (inclusive)')
    .option('--to <time>', 'up to this time (exclusive)')
    .addOption(new Option('--format <format>', 'what to make').choices(['pdf', 'csv', 'json']).default('pdf'))
    .addOption(new Option('--lang <language>', 'language of the PDF').choices(['en', 'ar']).default('en'))
    .requiredOption('--out <file>', 'where to write it; the proof that nothing was left out comes beside it, as .proof')
    .option('--json', 'one JSON document about what was made')
    .addHelpText(
      'after',
      '\nExamples:\n  $ sijill report accounting --identifier phone:+966500000042 --reason "access request 17" --out accounting.pdf\n' +
        '  $ sijill report accounting --identifier email:layla@example.com --reason "request 18" --lang ar --from 2026-01-01 --out layla.pdf',
    )
    .action(async (options: AccountingOptions) => {
      const identifier = parseIdentifier(options.identifier, commandConfig().defaultRegion, options.realm);
      const reason = parseReason(options.reason);
      const from = parseTime('--from', options.from);
      const to = parseTime('--to', options.to);
      const out = resolve(options.out);
      const made = await withLedger(async (ledger) => {
        const reader = await commandReader(ledger);
        await ledger.limits.take(reader.principal, 'lookup');
        await ledger.readModels.catchUp(ledger.store);
        const found = await ledger.vault.directory.lookUp(identifier);
        const subjectId = found?.subjectId ?? null;
        await ledger.consultations.record({ what: 'report', subjectId, found: found !== null, reason, reader });
        if (found === null || subjectId === null) return null;
        const order = {
          subjectId,
          from,
          to,
          reason,
          requestedBy: reader.name,
          principal: reader.principal,
          language: options.lang,
          formats: [options.format],
        };
        const { asOf, files } = await ledger.reports.make(order);
        return { ...found, asOf, document: files[0]!, proof: files[1] ?? null };
      });
      if (made === null) {
        printAnswer(
          options.json === true,
          { subjectId: null, file: null },
          () => 'Nobody in this ledger has that identifier.',
        );
        process.exitCode = EXIT.no;
        return;
      }
      const { subjectId, linked, openConflicts, asOf, document, proof } = made;
      await write(out, document.bytes);
      const beside = join(dirname(out), `${basename(out, extname(out))}.proof`);
      if (proof !== null) await write(beside, proof.bytes);
      printAnswer(
        options.json === true,
        {
          subjectId,
          linked,
          openConflicts,
          asOf,
          ...factsOf(out, document.file),
          proof: proof === null ? null : factsOf(beside, proof.file),
        },
        () =>
          [
            `${out} (${document.file.size} bytes, SHA-256 ${document.file.sha256})`,
            proof === null
              ? 'There is no proof beside it: no notary has signed for this ledger, or not up to now.'
              : `${beside} (the proof that nothing was left out; sijill verify bundle checks it)`,
            ...(openConflicts === 0
              ? []
              : [`Who is the same person is not settled in ${openConflicts} cases: the report says so.`]),
          ].join('\n'),
      );
    });
}

async function write(file: string, bytes: Buffer): Promise<void> {
  try {
    await writeFile(file, bytes);
  } catch (error) {
    throw new WrongUse(`${file} cannot be written (${(error as NodeJS.ErrnoException).code ?? 'unknown error'})`);
  }
}

function factsOf(file: string, { mediaType, size, sha256 }: ReportFile): object {
  return { file, mediaType, size, sha256 };
}
