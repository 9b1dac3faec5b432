import { createHmac, randomBytes, randomUUID } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { createSecretFile, replaceSecretFile } from '@sijill/platform';

/** The keyring cannot be used; the message says what to do. */
export class KeyringUnusable extends Error {
  override readonly name = 'KeyringUnusable';
}

/** Keys of one use, by their ids: the one that is used now, and those that what is older still needs. 32 bytes each. */
export interface KeySet {
  readonly current: string;
  readonly keys: ReadonlyMap<string, Buffer>;
}

/** The keys above all others, of one ledger. */
export interface Keyring {
  /** The ledger that these keys are of: a random UUID, made with the keyring. */
  readonly ledgerId: string;
  /** Wrap the secrets in the vault. Another process may add one, see `reread`. */
  readonly wrapping: KeySet;
  /** Make the blind index of identifiers. */
  readonly index: KeySet;
  /** Are in every key of tags and digests, beside a secret of the vault's for each quarter of a year. */
  readonly tags: KeySet;
  /** Show which entries the ledger has written. */
  readonly authenticator: KeySet;
  /** Tells this keyring from another without telling its keys; stays when keys are added. */
  readonly fingerprint: string;
  /** The log's name, unless the configuration has another: of the ledger, and of no key. */
  readonly logName: string;
  /**
   * Takes in the wrapping keys that were added since.
   *
   * @throws KeyringUnusable the file cannot be read, or is another ledger's now
   */
  reread(): void;
  /**
   * Adds a wrapping key, which is the current one from then on; those before stay, for what is older and for backups. On disk when it
   * returns. Two at once would lose a key: whoever calls holds the vault's lock.
   *
   * @returns its id
   * @throws KeyringUnusable the file cannot be written, as a secret that is mounted
   */
  addWrappingKey(): string;
}

type KeySetName = 'wrapping' | 'index' | 'tags' | 'authenticator';

interface KeySetFile {
  readonly current: string;
  readonly keys: Readonly<Record<string, string>>;
}

type KeyringFile = { readonly [Name in KeySetName]: KeySetFile } & {
  readonly version: 2;
  readonly ledgerId: string;
  readonly createdAt: string;
};

const KEY_BYTES = 32;
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/**
 * Reads the keyring file.
 *
 * @throws KeyringUnusable when it is missing, cannot be read, or is not a keyring
 */
export function readKeyring(file: string): Keyring {
  if (!existsSync(file)) {
    throw new KeyringUnusable(
      `there is no keyring at ${file}; put it back from its backup, or set SIJILL_KEYRING_FILE`,
    );
  }
  const parsed = parsedFile(file);
  if (parsed?.version === 1)
    throw new KeyringUnusable(
      `the keyring at ${file} is one of the first edition, whose ledgers this release does not read; start a new ledger in an empty folder, with a keyring of its own`,
    );
  return keyringIn(parsed as Partial<KeyringFile> | null, file);
}

function parsedFile(file: string): Partial<KeyringFile> | { version?: unknown } | null {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Partial<KeyringFile> | null;
  } catch {
    throw new KeyringUnusable(`the keyring at ${file} cannot be read as JSON; put it back from its backup`);
  }
}

function keyringIn(given: Partial<KeyringFile> | null, file: string): Keyring {
  const unusable = (what: string): KeyringUnusable =>
    new KeyringUnusable(
      `the file at ${file} is no keyring of version 2 (${what}); put the right one back from its backup`,
    );
  if (given?.version !== 2 || typeof given.ledgerId !== 'string' || !UUID.test(given.ledgerId))
    throw unusable('it does not say its version and its ledger');
  const keySet = (name: KeySetName): KeySet => {
    const { current, keys = {} } = given[name] ?? {};
    const read = new Map(Object.entries(keys).map(([id, key]) => [id, Buffer.from(String(key), 'base64url')]));
    if (current === undefined || !read.has(current) || [...read.values()].some(({ length }) => length !== KEY_BYTES))
      throw unusable(`a key of ${name} is not there, or cut`);
    return { current, keys: read };
  };
  const { ledgerId } = given;
  const authenticator = keySet('authenticator');
  let wrapping = keySet('wrapping');
  const reread = (): void => {
    const now = readKeyring(file);
    if (now.ledgerId !== ledgerId)
      throw new KeyringUnusable(`the keyring at ${file} is another ledger's now; put this one's back`);
    wrapping = now.wrapping;
  };
  return {
    ledgerId,
    get wrapping() {
      return wrapping;
    },
    index: keySet('index'),
    tags: keySet('tags'),
    authenticator,
    // Of a key that no rotation takes away, since entries are recognized by it for ever, and of the ledger's id.
    fingerprint: fingerprintOf(ledgerId, [...authenticator.keys.values()][0]!),
    logName: `sijill/${ledgerId}`,
    reread,
    addWrappingKey: () => {
      // What is there now may be another ledger's, which must not be written into.
      reread();
      const id = addWrappingKeyTo(file);
      reread();
      return id;
    },
  };
}

function fingerprintOf(ledgerId: string, key: Buffer): string {
  return createHmac('sha256', key).update(`sijill keyring ${ledgerId}`).digest('base64url').slice(0, 22);
}

/** A file that cannot be read now may be on its way: what is known goes on, and what needs a key that is not says so itself. */
export function rereadIfThere(keyring: Keyring): void {
  try {
    keyring.reread();
  } catch (error) {
    if (!(error instanceof KeyringUnusable)) throw error;
  }
}

function addWrappingKeyTo(file: string): string {
  const now = parsedFile(file) as KeyringFile;
  const { current, keys } = newKeySet('w');
  const changed: KeyringFile = { ...now, wrapping: { current, keys: { ...now.wrapping.keys, ...keys } } };
  try {
    replaceSecretFile(file, textOf(changed));
  } catch (cause) {
    const code = String((cause as NodeJS.ErrnoException).code);
    throw new KeyringUnusable(
      `the keyring ${file} cannot be written from here (${code}); change it where it is kept, with a copy of this vault's settings, and hand the new file to every process`,
      { cause },
    );
  }
  return current;
}

/**
 * Makes a keyring, on disk when it returns. A file that is there is never replaced.
 *
 * @param ifThere two processes may start a ledger at once; both must go on with the one keyring that came to be
 * @throws KeyringUnusable there is a file of that name
 */
export function createKeyring(
  file: string,
  createdAt: string,
  ifThere: 'refuse' | 'take what another process has made' = 'refuse',
): Keyring {
  const made: KeyringFile = {
    version: 2,
    ledgerId: randomUUID(),
    createdAt,
    wrapping: newKeySet('w'),
    index: newKeySet('i'),
    tags: newKeySet('t'),
    authenticator: newKeySet('a'),
  };
  if (!createSecretFile(file, textOf(made)) && ifThere === 'refuse')
    throw new KeyringUnusable(`${file} exists; a keyring is never written over`);
  return readKeyring(file);
}

function textOf(content: KeyringFile): string {
  return `${JSON.stringify(content, null, 2)}\n`;
}

function newKeySet(letter: string): KeySetFile {
  const id = `${letter}-${randomBytes(6).toString('hex')}`;
  return { current: id, keys: { [id]: newKey() } };
}

function newKey(): string {
  return randomBytes(KEY_BYTES).toString('base64url');
}
