import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Command } from 'commander';
import { ROLES, type ApiKey } from '@sijill/access';
import { sqlTarget } from '@sijill/ledger';
import { createKeyFile, readKeyFile } from '@sijill/notary';
import { clockOf, systemClock } from '@sijill/platform';
import { toBase64 } from '@sijill/transparency';
import { createKeyring, keyringIn, keyringPlaceOf, KeyNeeded, ROTATED_KEYS, Vault, type Keyring } from '@sijill/vault';
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
      const { made, ledgerId } = await withAccess(async ({ keys: all, part }, by) => ({
        made: await all.create({ name, roles: role, producer, recipient, expiresAt }, by),
        ledgerId: (await part.state()).ledgerId,
      }));
      const { principal: _, revokedAt: __, ...shown } = made;
      printAnswer(
        options.json === true,
        shown,
        () => `${made.key}\n\n${sentenceOf(made)} ${ledgerSentence(ledgerId)} It is shown this once; keep it safe.`,
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
    .summary('make a new keyring file, for a new ledger; or change that of this ledger')
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
    .summary('make a new key of the keyring, and bring the vault to it')
    .description(
      'Adds a key to the keyring of this ledger and brings to it what is in the vault, beside running servers, which take it up by themselves: ' +
        'a wrapping key, with which all keys in the vault are wrapped anew; an index key, under which identifiers are found; or a tag key, which ' +
        'quarters of a year from now on have. Entries and proofs stay as they are. Keys before it stay until they are dropped. Cut short, it is ' +
        'gone on with --resume; servers go on with it too.',
    )
    .argument('[keys]', `of which a new one is made: ${ROTATED_KEYS.join(', ')}`, 'wrapping')
    .option('--resume', 'make no key, and go on with bringing the vault to those that there are')
    .option('--json', 'one JSON document')
    .addHelpText(
      'after',
      '\nExamples:\n  $ sijill keys keyring rotate\n  $ sijill keys keyring rotate index\n  $ sijill keys keyring rotate --resume',
    )
    .action(async (name: string, _: object, command: Command) => {
      // The command above this one has the option --json too, and takes it.
      const options = command.optsWithGlobals<{ resume?: boolean; json?: boolean }>();
      const keys = ROTATED_KEYS.find((each) => each === name);
      if (keys === undefined) throw new WrongUse(`there are no keys ${name}; take one of ${ROTATED_KEYS.join(', ')}`);
      await withVault(async (vault, held) => {
        const current = options.resume === true ? held[keys].current : await vault.rotate(keys);
        const wrapped = await vault.secrets.rewrap(letOthersIn);
        const indexed = await vault.directory.reindex(letOthersIn);
        const needed = await vault.neededKeys();
        const droppable = ROTATED_KEYS.flatMap((each) => [...held[each].keys.keys()]).filter(
          (id) => !needed.includes(id),
        );
        printAnswer(options.json === true, { keys, current, wrapped, indexed, droppable }, () =>
          [
            `The vault is at ${held.wrapping.current}, ${held.index.current} and ${held.tags.current} (${wrapped} keys wrapped anew, ${indexed} identifiers ` +
              'indexed anew). Back the keyring up.',
            ...droppable.map(
              (id) => `Nothing here needs ${id} any more; "sijill keys keyring drop ${id}" takes it away.`,
            ),
          ].join('\n'),
        );
      });
    });

  keyring
    .command('drop')
    .summary('take a key out of the keyring that the vault needs no more')
    .description(
      'Takes a key out of the keyring, for good. From then on an old copy of the vault that needs it does not open with this keyring: a backup ' +
        'from before needs a keyring from before. Refused while anything in the vault needs the key.',
    )
    .argument('<id>', 'the id of the key, as rotate shows it')
    .option('--json', 'one JSON document')
    .addHelpText('after', '\nExample:\n  $ sijill keys keyring drop w-0a1b2c3d4e5f')
    .action(async (id: string, _: object, command: Command) => {
      const { json } = command.optsWithGlobals<{ json?: boolean }>();
      const refused = await withVault(async (vault) => {
        try {
          await vault.dropKey(id);
          return null;
        } catch (error) {
          if (error instanceof KeyNeeded) return error.message;
          throw error;
        }
      });
      printAnswer(
        json === true,
        { id, dropped: refused === null, ...(refused === null ? {} : { detail: refused }) },
        () => refused ?? `${id} is gone from the keyring. Delete what copies there are of the keyring with it.`,
      );
      process.exitCode = refused === null ? EXIT.done : EXIT.no;
    });
}

/** Between two commits: with SQLite whoever writes without a pause keeps everybody else out. */
function letOthersIn(): Promise<void> {
  return pause(20);
}

/** The vault of this ledger, without anything else of it. */
async function withVault<T>(work: (vault: Vault, keyring: Keyring) => Promise<T>): Promise<T> {
  const config = commandConfig();
  const keyring = await keyringIn(keyringPlaceOf(config.keyring));
  const vault = await Vault.openExisting(sqlTarget(config, 'vault'), keyring, clockOf(config), config.defaultRegion);
  try {
    return await work(vault, keyring);
  } finally {
    await vault.close();
  }
}

/** Of which ledger a key is: in a wrong folder it would be of one that nobody has. */
function ledgerSentence(ledgerId: string | null): string {
  const { dataDir, database } = commandConfig();
  const place = database.kind === 'postgresql' ? 'the database of SIJILL_DATABASE' : dataDir;
  return ledgerId === null
    ? `It is for the ledger in ${place}, of which nothing is there yet.`
    : `It is for the ledger ${ledgerId} in ${place}.`;
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
