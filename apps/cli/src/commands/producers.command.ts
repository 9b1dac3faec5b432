import { Option, type Command } from 'commander';
import type { Producer } from '@sijill/access';
import { WrongUse } from '../exit-codes.js';
import { printAnswer, table } from '../terminal/print.js';
import { withAccess } from '../with-access.js';

interface TermsOptions {
  readonly source?: string[];
  readonly anySource?: boolean;
  readonly realm?: string;
  readonly mayLink?: 'yes' | 'no';
  readonly json?: boolean;
}

const collect = (value: string, previous: string[] = []): string[] => [...previous, value];

export function addProducers(program: Command): void {
  const producers = program
    .command('producers')
    .summary('register, change, list and retire producers')
    .description(
      'Producers: the services that hand over events, by name. Each has the sources that it may speak for, the realm in which its ' +
        'account and device ids mean something, and the right to tie identifiers to each other, or not. API keys and Kafka topics ' +
        'belong to producers. Each change is an entry of the ledger. Works with the server running or not.',
    )
    .addHelpText(
      'after',
      '\nExamples:\n  $ sijill producers add sms-gateway --source /sms/ --may-link yes\n  $ sijill producers list\n  $ sijill producers retire sms-gateway',
    );

  withTerms(producers.command('add').argument('<name>', 'small letters, digits, . _ -'))
    .summary('register a producer')
    .description('Registers a producer. A name is taken once and for ever: entries stay under it.')
    .addHelpText(
      'after',
      '\nWithout --source it may use any source, without --realm its realm is "default", without --may-link it may not link.\n' +
        '\nExamples:\n  $ sijill producers add platform\n  $ sijill producers add billing --source https://billing.example/ --source urn:billing: --realm billing --may-link yes',
    )
    .action(async (name: string, options: TermsOptions) => {
      const made = await withAccess((access, by) => access.producers.add(name, termsOf(options), by));
      printAnswer(options.json === true, made, () => `${sentenceOf(made)} is registered.`);
    });

  withTerms(producers.command('change').argument('<name>', 'as list shows it'))
    .addOption(new Option('--any-source', 'it may use any source').conflicts('source'))
    .summary('change what a producer may say, from now on')
    .description(
      'Changes what a producer may say, from now on. What is not named stays; --source replaces all prefixes.',
    )
    .addHelpText(
      'after',
      '\nExamples:\n  $ sijill producers change billing --may-link no\n  $ sijill producers change billing --source urn:billing: --realm accounts',
    )
    .action(async (name: string, options: TermsOptions) => {
      const { json, ...terms } = options;
      if (Object.keys(terms).length === 0)
        throw new WrongUse('nothing to change: give --source, --any-source, --realm or --may-link');
      const changed = await withAccess((access, by) => access.producers.change(name, termsOf(options), by));
      printAnswer(json === true, changed, () => `${sentenceOf(changed)} speaks so from now on.`);
    });

  producers
    .command('list')
    .summary('list all producers, retired ones too')
    .option('--json', 'one JSON document')
    .addHelpText('after', '\nExample:\n  $ sijill producers list')
    .action(async (options: { json?: boolean }) => {
      const all = await withAccess((access) => access.producers.list());
      printAnswer(options.json === true, { producers: all }, () =>
        all.length === 0
          ? 'There are no producers yet; register one with: sijill producers add NAME'
          : table(
              ['name', 'sources', 'realm', 'may link', 'registered', 'retired'],
              all.map(({ name, sources, realm, mayLink, createdAt, retiredAt }) => [
                name,
                sources.length === 0 ? 'any' : sources.join('\n'),
                realm,
                mayLink ? 'yes' : 'no',
                createdAt,
                retiredAt ?? '',
              ]),
            ),
      );
    });

  producers
    .command('retire')
    .summary('retire a producer, at once and for good')
    .description(
      'Retires a producer, at once and for good: its keys are refused, and what its topics carry is quarantined. Its entries stay.',
    )
    .argument('<name>', 'as list shows it')
    .option('--json', 'one JSON document')
    .addHelpText('after', '\nExample:\n  $ sijill producers retire sms-gateway')
    .action(async (name: string, options: { json?: boolean }) => {
      const retired = await withAccess((access, by) => access.producers.retire(name, by));
      printAnswer(options.json === true, retired, () => `The producer ${name} is retired.`);
    });
}

function withTerms(command: Command): Command {
  return command
    .option('--source <prefix>', 'a source it may use, with all below it; may be given several times', collect)
    .option('--realm <realm>', 'where its account and device ids mean something: a-z, 0-9, . -')
    .addOption(new Option('--may-link <answer>', 'whether its events may tie identifiers').choices(['yes', 'no']))
    .option('--json', 'one JSON document');
}

const termsOf = ({ source, anySource, realm, mayLink }: TermsOptions) => ({
  sources: anySource === true ? [] : source,
  realm,
  mayLink: mayLink === undefined ? undefined : mayLink === 'yes',
});

function sentenceOf({ name, sources, realm, mayLink }: Producer): string {
  const spoken = sources.length === 0 ? 'any source' : `the sources ${sources.join(', ')}`;
  return `The producer ${name} (${spoken}, realm ${realm}, ${mayLink ? 'may link' : 'may not link'})`;
}
