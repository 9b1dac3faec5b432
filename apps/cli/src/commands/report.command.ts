import { rm, writeFile } from 'node:fs/promises';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { Option, type Command } from 'commander';
import type { Audience, FileSink, ReportFile, ReportFormat, ReportLanguage } from '@sijill/reports';
import { EXIT, WrongUse } from '../exit-codes.js';
import { parseIdentifier, parsePeriod, parseReason } from '../terminal/identifier.js';
import { printAnswer } from '../terminal/print.js';
import { commandConfig, commandReader, withLedger } from '../with-ledger.js';

interface AccountingOptions {
  readonly identifier: string;
  readonly realm?: string;
  readonly reason: string;
  readonly from?: string;
  readonly to?: string;
  readonly audience: Audience;
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
    .addOption(
      new Option('--audience <audience>', 'for whom it is: the person itself, or who may know what is kept from it')
        .choices(['subject', 'officer', 'regulator'])
        .default('subject'),
    )
    .addOption(new Option('--format <format>', 'what to make').choices(['pdf', 'csv', 'json']).default('pdf'))
    .addOption(new Option('--lang <language>', 'language of the PDF').choices(['en', 'ar']).default('en'))
    .requiredOption('--out <file>', 'where to write it; the proof of what it says comes beside it, as .proof')
    .option('--json', 'one JSON document about what was made')
    .addHelpText(
      'after',
      '\nExamples:\n  $ sijill report accounting --identifier phone:+966500000042 --reason "access request 17" --out accounting.pdf\n' +
        '  $ sijill report accounting --identifier email:layla@example.com --reason "request 18" --lang ar --from 2026-01-01 --out layla.pdf',
    )
    .action(async (options: AccountingOptions) => {
      const identifier = parseIdentifier(options.identifier, commandConfig().defaultRegion, options.realm);
      const reason = parseReason(options.reason);
      const { from, to } = parsePeriod(options);
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
          audience: options.audience,
          from,
          to,
          reason,
          requestedBy: reader.name,
          principal: reader.principal,
          language: options.lang,
          formats: [options.format],
        };
        const { asOf, files } = await ledger.reports.make(order, besideEachOther(out));
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
      printAnswer(
        options.json === true,
        {
          subjectId,
          linked,
          openConflicts,
          asOf,
          ...factsOf(out, document),
          proof: proof === null ? null : factsOf(proofBeside(out), proof),
        },
        () =>
          [
            `${out} (${document.size} bytes, SHA-256 ${document.sha256})`,
            proof === null
              ? 'There is no proof beside it: no notary has signed for this ledger, or not up to now.'
              : `${proofBeside(out)} (the proof ${options.audience === 'subject' ? 'of each of its lines' : 'that nothing was left out'}; sijill verify bundle checks it)`,
            ...(openConflicts === 0
              ? []
              : [`Who is the same person is not settled in ${openConflicts} cases: the report says so.`]),
          ].join('\n'),
      );
    });
}

/** The document where it was asked for, the proof beside it. */
function besideEachOther(out: string): FileSink {
  return { put: (name, content) => write(extname(name) === '.proof' ? proofBeside(out) : out, content) };
}

function proofBeside(out: string): string {
  return join(dirname(out), `${basename(out, extname(out))}.proof`);
}

async function write(file: string, content: AsyncIterable<Uint8Array>): Promise<void> {
  try {
    await writeFile(file, content);
  } catch (error) {
    await rm(file, { force: true }).catch(() => undefined);
    // What could not be made is not for want of a place to write it.
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
    throw new WrongUse(`${file} cannot be written (${(error as NodeJS.ErrnoException).code})`);
  }
}

function factsOf(file: string, { mediaType, size, sha256 }: ReportFile): object {
  return { file, mediaType, size, sha256 };
}
