import { existsSync, mkdirSync, statSync } from 'node:fs';
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
  readonly format: readonly ReportFormat[];
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
    .addOption(
      new Option('--format <format...>', 'what to make; several are of one order, as of one position, with one proof')
        .choices(['pdf', 'csv', 'json'])
        .default(['pdf'], '"pdf"'),
    )
    .addOption(new Option('--lang <language>', 'language of the PDF').choices(['en', 'ar']).default('en'))
    .requiredOption(
      '--out <file or folder>',
      'where to write it; others of the same order, and the proof of what they say (.proof), come beside it',
    )
    .option('--json', 'one JSON document about what was made')
    .addHelpText(
      'after',
      '\nExamples:\n  $ sijill report accounting --identifier phone:+966500000042 --reason "access request 17" --out accounting.pdf\n' +
        '  $ sijill report accounting --identifier email:layla@example.com --reason "request 18" --lang ar --from 2026-01-01 --out layla.pdf\n' +
        '  $ sijill report accounting --identifier phone:+966500000042 --reason "request 19" --format pdf json csv --out request-19/',
    )
    .action(async (options: AccountingOptions) => {
      const identifier = parseIdentifier(options.identifier, commandConfig().defaultRegion, options.realm);
      const reason = parseReason(options.reason);
      const { from, to } = parsePeriod(options);
      const place = placeOf(options);
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
          formats: [...new Set(options.format)],
        };
        const { asOf, files } = await ledger.reports.make(order, sinkAt(place));
        return { ...found, asOf, files };
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
      const { subjectId, linked, openConflicts, asOf, files } = made;
      const shown = files.map((file) => ({ path: place(file.name), ...file }));
      const isProof = ({ name }: ReportFile): boolean => extname(name) === '.proof';
      const proof = shown.find(isProof);
      const [first] = shown;
      printAnswer(
        options.json === true,
        {
          subjectId,
          linked,
          openConflicts,
          asOf,
          ...factsOf(first!),
          proof: proof === undefined ? null : factsOf(proof),
          files: shown.map(({ name, path, sha256 }) => ({ name, path, sha256 })),
        },
        () =>
          [
            ...shown
              .filter((file) => !isProof(file))
              .map(({ path, size, sha256 }) => `${path} (${size} bytes, SHA-256 ${sha256})`),
            proof === undefined
              ? 'There is no proof beside it: no notary has signed for this ledger, or not up to now.'
              : `${proof.path} (the proof ${options.audience === 'subject' ? 'of each of its lines' : 'that nothing was left out'}; sijill verify bundle checks it)`,
            ...(openConflicts === 0
              ? []
              : [`Who is the same person is not settled in ${openConflicts} cases: the report says so.`]),
          ].join('\n'),
      );
    });
}

/** Where a file of an order is written, by its name: into a folder as it is called, else beside the file that was asked for. */
function placeOf({ out, format }: AccountingOptions): (name: string) => string {
  const path = resolve(out);
  if (/[/\\]$/.test(out) || (existsSync(path) && statSync(path).isDirectory())) {
    mkdirSync(path, { recursive: true });
    return (name) => join(path, name);
  }
  const beside = join(dirname(path), basename(path, extname(path)));
  // What was asked for first is written where it was asked for, whatever that is called.
  return (name) => (extname(name) === `.${format[0]}` ? path : beside + extname(name));
}

function sinkAt(place: (name: string) => string): FileSink {
  return { put: (name, content) => write(place(name), content) };
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

function factsOf({ path, mediaType, size, sha256 }: ReportFile & { readonly path: string }): object {
  return { file: path, mediaType, size, sha256 };
}
