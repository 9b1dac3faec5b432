import { createHmac, randomBytes, randomUUID } from 'node:crypto';
import { DatabaseUnavailable } from '@sijill/platform';
import { FilePlace, KeyringUnusable, type KeyringPlace } from './keyring-places/index.js';

/** Keys of one use, by their ids: the one that is used now, and those that what is older still needs. 32 bytes each. */
export interface KeySet {
  readonly current: string;
  readonly keys: ReadonlyMap<string, Buffer>;
}

/** The keys above all others, of one ledger. */
export interface Keyring {
  /** The ledger that these keys are of: a random UUID, made with the keyring. */
  readonly ledgerId: string;
  /** Wrap the secrets in the vault. This set and the next two grow and shrink while others use the keyring, see `reread`. */
  readonly wrapping: KeySet;
  /** Make the blind index of identifiers. */
  readonly index: KeySet;
  /** Are in every key of tags and digests, beside a secret of the vault's for each quarter of a year. */
  readonly tags: KeySet;
  /** Show which entries the ledger has written; grows only. */
  readonly authenticator: KeySet;
  /** Tells this keyring from another without telling its keys; stays when keys are added. */
  readonly fingerprint: string;
  /** The log's name, unless the configuration has another: of the ledger, and of no key. */
  readonly logName: string;
  /**
   * Takes in what was added and dropped since.
   *
   * @throws KeyringUnusable | DatabaseUnavailable it cannot be read, or is another ledger's now
   */
  reread(): Promise<void>;
  /** Why it could not be read again when that was last tried; null when it could. */
  readonly unread: string | null;
  /**
   * Adds a key, which is the current one of its set from then on; those before stay. Durable when it returns. Two at once would lose a
   * key: whoever calls this, or `drop`, holds the vault's lock.
   *
   * @returns its id
   * @throws KeyringUnusable | DatabaseUnavailable the place cannot be written to, as a secret that is mounted
   */
  add(name: RotatedKeys): Promise<string>;
  /** Takes a key out, for good; never the current one. @throws KeyringUnusable | DatabaseUnavailable as `add` */
  drop(name: RotatedKeys, id: string): Promise<void>;
}

/** The sets of which a new key can be made at any time. */
export const ROTATED_KEYS = ['wrapping', 'index', 'tags'] as const;
export type RotatedKeys = (typeof ROTATED_KEYS)[number];

type KeySetName = RotatedKeys | 'authenticator';

interface KeySetContent {
  readonly current: string;
  readonly keys: Readonly<Record<string, string>>;
}

type KeyringContent = { readonly [Name in KeySetName]: KeySetContent } & {
  readonly version: 2;
  readonly ledgerId: string;
  readonly createdAt: string;
};

const KEY_BYTES = 32;
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
/** An id stands in front of what was made with its key, and in the names of holders. */
const KEY_ID = /^[a-z0-9-]{1,40}$/;
const LETTERS = { wrapping: 'w', index: 'i', tags: 't', authenticator: 'a' } as const;

/**
 * The keyring that lies in a place.
 *
 * @throws KeyringUnusable | DatabaseUnavailable when it is missing, cannot be read, or is not a keyring
 */
export async function keyringIn(place: KeyringPlace): Promise<Keyring> {
  return new PlacedKeyring(place, contentOf(await place.get(), place));
}

/** The same, or null where none lies. @throws KeyringUnusable | DatabaseUnavailable when it cannot be read, or is not a keyring */
export async function findKeyring(place: KeyringPlace): Promise<Keyring | null> {
  const text = await place.get();
  return text === null ? null : new PlacedKeyring(place, contentOf(text, place));
}

/** The keyring that lies in a file. @throws KeyringUnusable when it is missing, cannot be read, or is not a keyring */
export function readKeyring(file: string): Keyring {
  const place = new FilePlace(file);
  return new PlacedKeyring(place, contentOf(place.read(), place));
}

/**
 * Makes the keyring of a new ledger, durable when it returns; one that is there is never replaced. Two processes may start a ledger at once:
 * both go on with the one that came to be.
 *
 * @throws KeyringUnusable | DatabaseUnavailable
 */
export async function makeKeyring(place: KeyringPlace, createdAt: string): Promise<Keyring> {
  await place.put(newContent(createdAt), null);
  return keyringIn(place);
}

/** Makes the keyring of a new ledger in a file. @throws KeyringUnusable there is a file of that name */
export function createKeyring(file: string, createdAt: string): Keyring {
  if (!new FilePlace(file).write(newContent(createdAt), null))
    throw new KeyringUnusable(`${file} exists; a keyring is never written over`);
  return readKeyring(file);
}

/** A keyring that cannot be read now may be on its way: what is known goes on, and what needs a key that is not says so itself. */
export async function rereadIfThere(keyring: Keyring): Promise<void> {
  try {
    await keyring.reread();
  } catch (error) {
    if (!(error instanceof KeyringUnusable || error instanceof DatabaseUnavailable)) throw error;
  }
}

/**
 * What to say behind the name of a key that a keyring lacks.
 *
 * @param cure what to do about a keyring that was read again, and is older
 */
export function behindLacking({ unread }: Keyring, cure: string): string {
  return unread === null ? cure : `, and could not be read again: ${unread}`;
}

class PlacedKeyring implements Keyring {
  readonly ledgerId: string;
  readonly logName: string;
  readonly fingerprint: string;
  authenticator: KeySet;
  wrapping: KeySet;
  index: KeySet;
  tags: KeySet;
  unread: string | null = null;

  constructor(
    private readonly place: KeyringPlace,
    content: KeyringContent,
  ) {
    const { ledgerId } = content;
    this.ledgerId = ledgerId;
    this.logName = `sijill/${ledgerId}`;
    this.authenticator = keySetOf(content.authenticator);
    // Of a key that no rotation takes away, since entries are recognized by it for ever, and of the ledger's id.
    this.fingerprint = fingerprintOf(ledgerId, [...this.authenticator.keys.values()][0]!);
    this.wrapping = keySetOf(content.wrapping);
    this.index = keySetOf(content.index);
    this.tags = keySetOf(content.tags);
  }

  async reread(): Promise<void> {
    try {
      await this.contentNow();
      this.unread = null;
    } catch (error) {
      this.unread = (error as Error).message;
      throw error;
    }
  }

  async add(name: RotatedKeys): Promise<string> {
    const { current, keys } = newKeySet(LETTERS[name]);
    await this.change((now) => ({ ...now, [name]: { current, keys: { ...now[name].keys, ...keys } } }));
    return current;
  }

  async drop(name: RotatedKeys, id: string): Promise<void> {
    await this.change((now) => {
      const { [id]: _, ...keys } = now[name].keys;
      return { ...now, [name]: { ...now[name], keys } };
    });
  }

  private async change(how: (now: KeyringContent) => KeyringContent): Promise<void> {
    const { text, content } = await this.contentNow();
    const changed = textOf(how(content));
    if (!(await this.place.put(changed, text)))
      throw new KeyringUnusable(`the keyring ${this.place.where} was changed by somebody else meanwhile; try again`);
    await this.contentNow();
  }

  /** What lies there now, taken in: it may be another ledger's, which must not be written into. */
  private async contentNow(): Promise<{ readonly text: string; readonly content: KeyringContent }> {
    const text = await this.place.get();
    const content = contentOf(text, this.place);
    if (content.ledgerId !== this.ledgerId)
      throw new KeyringUnusable(`the keyring ${this.place.where} is another ledger's now; put this one's back`);
    for (const name of [...ROTATED_KEYS, 'authenticator'] as const) this[name] = keySetOf(content[name]);
    return { text: text!, content };
  }
}

function fingerprintOf(ledgerId: string, key: Buffer): string {
  return createHmac('sha256', key).update(`sijill keyring ${ledgerId}`).digest('base64url').slice(0, 22);
}

/** The content of a text that lies in a place, or of nothing. @throws KeyringUnusable it is no keyring */
function contentOf(text: string | null, { where }: KeyringPlace): KeyringContent {
  if (text === null)
    throw new KeyringUnusable(
      `there is no keyring ${where}; put it back from its backup, or set SIJILL_KEYRING_FILE or SIJILL_KEYRING`,
    );
  const given = parsed(text, where);
  if (given?.version === 1)
    throw new KeyringUnusable(
      `the keyring ${where} is one of the first edition, whose ledgers this release does not read; start a new ledger in an empty folder, with a keyring of its own`,
    );
  const fault = faultOf(given as Partial<KeyringContent> | null);
  if (fault !== null)
    throw new KeyringUnusable(
      `what lies ${where} is no keyring of version 2 (${fault}); put the right one back from its backup`,
    );
  return given as KeyringContent;
}

function parsed(text: string, where: string): { readonly version?: unknown } | null {
  try {
    return JSON.parse(text) as { readonly version?: unknown } | null;
  } catch {
    throw new KeyringUnusable(`the keyring ${where} cannot be read as JSON; put it back from its backup`);
  }
}

/** Why a content is none; null when it is one. */
function faultOf(given: Partial<KeyringContent> | null): string | null {
  if (given?.version !== 2 || typeof given.ledgerId !== 'string' || !UUID.test(given.ledgerId))
    return 'it does not say its version and its ledger';
  for (const name of Object.keys(LETTERS) as KeySetName[]) {
    const { current, keys } = keySetOf(given[name]);
    const whole = [...keys].every(([id, key]) => KEY_ID.test(id) && key.length === KEY_BYTES);
    if (!keys.has(current) || !whole) return `a key of ${name} is not there, or cut`;
  }
  return null;
}

function keySetOf(given: Partial<KeySetContent> | null | undefined): KeySet {
  const keys = Object.entries(given?.keys ?? {}).map(
    ([id, key]) => [id, Buffer.from(String(key), 'base64url')] as const,
  );
  return { current: String(given?.current), keys: new Map(keys) };
}

function newContent(createdAt: string): string {
  return textOf({
    version: 2,
    ledgerId: randomUUID(),
    createdAt,
    wrapping: newKeySet(LETTERS.wrapping),
    index: newKeySet(LETTERS.index),
    tags: newKeySet(LETTERS.tags),
    authenticator: newKeySet(LETTERS.authenticator),
  });
}

function textOf(content: KeyringContent): string {
  return `${JSON.stringify(content, null, 2)}\n`;
}

function newKeySet(letter: string): KeySetContent {
  const id = `${letter}-${randomBytes(6).toString('hex')}`;
  return { current: id, keys: { [id]: newKey() } };
}

function newKey(): string {
  return randomBytes(KEY_BYTES).toString('base64url');
}
