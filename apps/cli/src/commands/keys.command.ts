import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { Option, type Command } from 'commander';
import { ApiKeys, ROLES } from '@sijill/access';
import { sqlTarget } from '@sijill/ledger';
import { systemClock } from '@sijill/platform';
import { createKeyring } from '@sijill/vault';
import { EXIT, WrongUse } from '../exit-codes.js';
import { printAnswer, table } from '../terminal/print.js';
import { commandConfig } from '../with-ledger.js';

const collect = (value: string, previous: string[]): string[] => [
  ...previous,
  ...value.split(',').map((role) => role.trim()),
];

async function withKeys<T>(work: (keys: ApiKeys) => Promise<T>): Promise<T> {
  const keys = await ApiKeys.open(sqlTarget(commandConfig(), 'access'), systemClock);
  try {
    return await work(keys);
  } finally {
    await keys.close();
  }
}

export function addKeys(program: Command): void {
  const keys = program
    .command('keys')
    .summary('make, list and revoke API keys')
    .description('API keys. A key is shown once; the ledger keeps its hash.')
    .addHelpText(
      'after',
      '\nExamples:\n  $ sijill keys create --role officer --name privacy-desk\n  $ sijill keys list\n  $ sijill keys revoke k0a1b2c3d4e5',
    );

  keys
    .command('create')
    .summary('make a key')
    .description(
      'Makes a key. A producer hands over events; an officer looks people up, reads their history and makes reports; an admin ' +
        'sees the quarantine and replays from it; a regulator reads disclosures and entries. The name is what ' +
        'the ledger records.',
    )
    .requiredOption('--role <role>', `${ROLES.join(', ')}; may be given several times`, collect, [])
    .requiredOption('--name <name>', 'who uses it: a service, a desk')
    .option('--json', 'one JSON document')
    .addHelpText(
      'after',
      '\nExamples:\n  $ sijill keys create --role producer --name sms-gateway\n  $ sijill keys create --role officer --role regulator --name privacy-desk --json',
    )
    .action(async (options: { role: string[]; name: string; json?: boolean }) => {
      const made = await withKeys((all) => all.create(options.name, options.role));
      const { id, name, roles, key, createdAt } = made;
      printAnswer(
        options.json === true,
        { id, name, roles, key, createdAt },
        () => `${key}\n\nThe key ${id} of ${name} (${roles.join(', ')}). It is shown this once; keep it safe.`,
      );
    });

  keys
    .command('list')
    .summary('list all keys')
    .option('--json', 'one JSON document')
    .addHelpText('after', '\nExample:\n  $ sijill keys list')
    .action(async (options: { json?: boolean }) => {
      const all = await withKeys((each) => each.list());
      printAnswer(options.json === true, { keys: all }, () =>
        all.length === 0
          ? 'There are no keys yet; make one with: sijill keys create --role officer --name NAME'
          : table(
              ['id', 'name', 'roles', 'created', 'revoked'],
              all.map((key) => [key.id, key.name, key.roles.join(', '), key.createdAt, key.revokedAt ?? '']),
            ),
      );
    });

  keys
    .command('revoke')
    .summary('revoke a key, at once')
    .argument('<id>', 'the id of the key, as list shows it')
    .option('--json', 'one JSON document')
    .addHelpText('after', '\nExample:\n  $ sijill keys revoke k0a1b2c3d4e5')
    .action(async (id: string, options: { json?: boolean }) => {
      const revoked = await withKeys((all) => all.revoke(id));
      printAnswer(options.json === true, { id, revoked }, () =>
        revoked ? `The key ${id} is revoked.` : `There is no key ${id}.`,
      );
      process.exitCode = revoked ? EXIT.done : EXIT.no;
    });

  keys
    .command('keyring')
    .summary('make a new keyring file, for a new ledger')
    .addOption(new Option('--out <file>', 'where to write it').makeOptionMandatory())
    .option('--json', 'one JSON document')
    .addHelpText('after', '\nExample:\n  $ sijill keys keyring --out /run/secrets/sijill-keyring.json')
    .action((options: { out: string; json?: boolean }) => {
      const file = resolve(options.out);
      if (existsSync(file)) throw new WrongUse(`${file} exists; a keyring is never written over`);
      const { wrapping, fingerprint } = createKeyring(file, new Date().toISOString());
      printAnswer(
        options.json === true,
        { file, keyId: wrapping.id, fingerprint },
        () =>
          `${file} holds a new keyring (${wrapping.id}). Keep a backup apart from the ledger: without it nothing sealed can be opened.`,
      );
    });
}
