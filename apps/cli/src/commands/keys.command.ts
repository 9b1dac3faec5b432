import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { ROLES, type ApiKey } from '@sijill/access';
import { sqlTarget } from '@sijill/ledger';
import { createKeyFile, readKeyFile } from '@sijill/notary';
import { clockOf, systemClock } from '@sijill/platform';
import { toBase64 } from '@sijill/transparency';
import { createKeyring, readKeyring, Vault } from '@sijill/vault';
import { EXIT, WrongUse } from '../exit-codes.js';
import { parseTime } from '../terminal/identifier.js';
import { printAnswer, table } from '../terminal/print.js';
import { withAccess } from '../with-access.js';
import { commandConfig } from '../with-ledger.js';

const collect = (value: string, previous: string[]): string[] => [
  ...previous,
  ...value.split(',').map((role) => role.trim()),
];

interface CreateOptions {
  readonly role: string[];
  readonly name: string;
  readonly producer?: string;
  readonly recipient?: string;
  readonly expires?: string;
  readonly json?: boolean;
}

export function addKeys(program: Command): void {
  const keys = program
    .command('keys')
    .summary('make, list and revoke API keys; make keyrings and keys that sign')
    .description(
      'API keys. A key is shown once; the ledger keeps its hash. Works with the server running or not; making and revoking a key are ' +
        'entries of the ledger.',
    )
    .addHelpText(
      'after',
      '\nExamples:\n  $ sijill keys create --role officer --name privacy-desk\n  $ sijill keys list\n  $ sijill keys revoke k0a1b2c3d4e5',
    );

  keys
    .command('create')
    .summary('make a key')
    .description(
      'Makes a key. A producer hands over events, in the name of a registered producer; an officer looks people up, reads their ' +
        'history and makes reports; a regulator reads disclosures and entries; an admin looks after quarantine and producers, and ' +
        'reads nobody’s data; a recipient answers for one recipient. The name is what the ledger records: two keys of one name are ' +
        'of one who acts.',
    )
    .requiredOption('--role <role>', `${ROLES.join(', ')}; may be given several times`, collect, [])
    .requiredOption('--name <name>', 'who uses it: a service, a desk, a person')
    .option(
      '--producer <name>',
      'with the role producer: whom it speaks for, by default the producer of the key’s name; registered at once in development',
    )
    .option('--recipient <id>', 'with the role recipient: the id of the recipient that it answers for')
    .option('--expires <time>', 'from when on it is not accepted: a date, or an RFC 3339 time')
    .option('--json', 'one JSON document')
    .addHelpText(
      'after',
      '\nExamples:\n  $ sijill keys create --role producer --name sms-gateway\n  $ sijill keys create --role producer --name sms-gateway-2 --producer sms-gateway --expires 2027-01-01\n' +
        '  $ sijill keys create --role officer --role regulator --name privacy-desk --json\n  $ sijill keys create --role recipient --recipient carrier-najd --name "Najd Mobile"',
    )
    .action(async (options: CreateOptions) => {
      const { name, role, producer, recipient } = options;
      const expiresAt = parseTime('--expires', options.expires) ?? undefined;
      const made = await withAccess(({ keys: all }, by) =>
        all.create({ name, roles: role, producer, recipient, expiresAt }, by),
      );
      const { principal: _, revokedAt: __, ...shown } = made;
      printAnswer(
        options.json === true,
        shown,
        () => `${made.key}\n\n${sentenceOf(made)} It is shown this once; keep it safe.`,
      );
    });

  keys
    .command('list')
    .summary('list all keys')
    .option('--json', 'one JSON document')
    .addHelpText('after', '\nExample:\n  $ sijill keys list')
    .action(async (options: { json?: boolean }) => {
      const all = await withAccess(({ keys: each }) => each.list());
      printAnswer(options.json === true, { keys: all }, () =>
        all.length === 0
          ? 'There are no keys yet; make one with: sijill keys create --role officer --name NAME'
          : table(
              ['id', 'name', 'roles', 'for', 'created', 'ended'],
              all.map((key) => [
                key.id,
                key.name,
                key.roles.join(', '),
                [key.producer, key.recipient].filter((whom) => whom !== null).join(', '),
                key.createdAt,
                endOf(key),
              ]),
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
      const revoked = await withAccess(({ keys: all }, by) => all.revoke(id, by));
      printAnswer(options.json === true, { id, revoked }, () =>
        revoked ? `The key ${id} is revoked.` : `There is no key ${id}.`,
      );
      process.exitCode = revoked ? EXIT.done : EXIT.no;
    });

  keys
    .command('signing')
    .summary('make a key that signs, in a file of its own: of a log, or of a witness')
    .description(
      'Makes an Ed25519 key in a file that its owner alone can read, for SIJILL_LOG_SIGNER or SIJILL_WITNESS_SIGNER. In production it is ' +
        'made so before the first start; in development the server makes it. The next key of a log is made by: sijill log-key introduce',
    )
    .requiredOption('--out <file>', 'where to write it')
    .option('--json', 'one JSON document')
    .addHelpText('after', '\nExample:\n  $ sijill keys signing --out /run/secrets/sijill-log/log-key-1.json')
    .action((options: { out: string; json?: boolean }) => {
      const file = resolve(options.out);
      if (!createKeyFile(file, systemClock.now()))
        throw new WrongUse(`${file} exists; a key that signs is never written over`);
      const publicKey = toBase64(readKeyFile(file).publicKey);
      printAnswer(
        options.json === true,
        { file, publicKey },
        () =>
          `${file} holds a new key that signs (public key ${publicKey}). Keep a backup apart from the ledger: what has signed with it cannot go on without it.`,
      );
    });

  const keyring = keys
    .command('keyring')
    .summary('make a new keyring file, for a new ledger; or add a key to that of this ledger')
    .option('--out <file>', 'where to write the new one')
    .option('--json', 'one JSON document')
    .addHelpText(
      'after',
      '\nExamples:\n  $ sijill keys keyring --out /run/secrets/sijill-keyring.json\n  $ sijill keys keyring rotate',
    )
    .action((options: { out?: string; json?: boolean }) => {
      if (options.out === undefined) throw new WrongUse('--out says where to write the new keyring');
      const file = resolve(options.out);
      if (existsSync(file)) throw new WrongUse(`${file} exists; a keyring is never written over`);
      const { ledgerId, fingerprint } = createKeyring(file, new Date().toISOString());
      printAnswer(
        options.json === true,
        { file, ledgerId, fingerprint },
        () =>
          `${file} holds the keyring of a new ledger (${ledgerId}). Keep a backup apart from the ledger: without it nothing sealed can be opened.`,
      );
    });

  keyring
    .command('rotate')
    .summary('wrap all keys of the vault with a new one')
    .description(
      'Adds a wrapping key to the keyring of this ledger and wraps the keys in the vault with it, beside running servers, which take it up by ' +
        'themselves. Entries and proofs stay as they are. Keys before it stay in the keyring: backups of the vault need them. Cut short, it is gone on ' +
        'with --resume.',
    )
    .option('--resume', 'add no key, and go on with the wrapping')
    .option('--json', 'one JSON document')
    .addHelpText('after', '\nExamples:\n  $ sijill keys keyring rotate\n  $ sijill keys keyring rotate --resume')
    .action(async (_: object, command: Command) => {
      // The command above this one has the option --json too, and takes it.
      const options = command.optsWithGlobals<{ resume?: boolean; json?: boolean }>();
      const config = commandConfig();
      const held = readKeyring(config.keyringFile);
      const vault = await Vault.open(sqlTarget(config, 'vault'), held, clockOf(config), config.defaultRegion);
      try {
        const current = options.resume === true ? held.wrapping.current : await vault.addWrappingKey();
        const wrapped = await vault.secrets.rewrap();
        printAnswer(
          options.json === true,
          { file: config.keyringFile, current, wrapped },
          () =>
            `The keys of this vault are wrapped with ${current} (${wrapped} of them anew). Back the keyring up: ${config.keyringFile}.`,
        );
      } finally {
        await vault.close();
      }
    });
}

function sentenceOf({ id, name, roles, producer, recipient, expiresAt }: ApiKey): string {
  const parts = [
    `The key ${id} of ${name} (${roles.join(', ')})`,
    ...(producer === null ? [] : [`speaks for the producer ${producer}`]),
    ...(recipient === null ? [] : [`answers for the recipient ${recipient}`]),
    ...(expiresAt === null ? [] : [`is good until ${expiresAt}`]),
  ];
  return `${parts.join(', ')}.`;
}

function endOf({ revokedAt, expiresAt }: ApiKey): string {
  if (revokedAt !== null) return `revoked ${revokedAt}`;
  return expiresAt === null ? '' : `expires ${expiresAt}`;
}
