import { StoreNotOurs } from '@sijill/event-store';
import { PartBehind, PartOfAnother } from '@sijill/platform';
import { VaultLost } from '@sijill/vault';
import { freshDataDir } from '../support/sijill.js';
import { copyOf, exchange, PART_FILES, WholeLedger, type PartName } from '../support/whole-ledger.js';

const EACH = 5;

/** Grows a ledger by events, and by a change of its keys. @returns where it stands afterwards */
async function grown(folder: string, by = EACH): Promise<number> {
  const whole = await WholeLedger.start({ SIJILL_DATA_DIR: folder });
  await whole.take(by);
  const names = { name: 'tests', principal: 'command-line' };
  await whole.ledger.keys.create({ name: `officer-${Math.random()}`, roles: ['officer'] }, names);
  await whole.ledger.outboxes.drain();
  await whole.settled();
  await whole.stop();
  return headOf(folder);
}

async function headOf(folder: string): Promise<number> {
  const { openEmbeddedStore } = await import('@sijill/event-store');
  const store = openEmbeddedStore({ file: `${folder}/ledger.sqlite` });
  const head = await store.head();
  await store.close();
  return head;
}

/** What comes of a start: the error, or nothing. */
async function startOf(folder: string): Promise<Error | null> {
  try {
    const whole = await WholeLedger.start({ SIJILL_DATA_DIR: folder });
    await whole.stop();
    return null;
  } catch (error) {
    return error as Error;
  }
}

type Kind = 'empty' | 'older' | 'newer' | "another's" | 'forked';
type Refusal = readonly [new (...given: never[]) => Error, RegExp];

/** What a start says about a part that was exchanged, the others being as they were last. */
const REFUSALS: Record<PartName, Record<Kind, Refusal>> = {
  store: {
    empty: [StoreNotOurs, /event store is empty, and the ledger [0-9a-f-]{36} has entries up to position \d+/],
    older: [StoreNotOurs, /event store ends at position \d+, and the \w+.* knows of entries up to \d+/],
    newer: [PartBehind, /the vault is an older copy: it stands at change \d+/],
    "another's": [StoreNotOurs, /event store is not that of the ledger .* it is that of the ledger/],
    forked: [StoreNotOurs, /gone on from an older copy/],
  },
  vault: {
    empty: [VaultLost, /there is no vault/],
    older: [PartBehind, /the vault is an older copy/],
    newer: [StoreNotOurs, /event store ends at position \d+, and the vault knows of entries up to/],
    "another's": [Error, /keyring is not the one that the vault was made with/],
    forked: [PartBehind, /: the vault has gone on from an older copy/],
  },
  database: {
    empty: [PartOfAnother, /database of keys and producers is not the one that the ledger .* was founded with/],
    older: [PartBehind, /database of keys and producers is an older copy/],
    newer: [StoreNotOurs, /event store ends at position \d+, and the database .* knows of entries up to/],
    "another's": [PartOfAnother, /is that of the ledger .*, and this keyring is of the ledger/],
    forked: [PartBehind, /: the database of .* has gone on from an older copy/],
  },
  log: {
    empty: [PartOfAnother, /the log is not the one that the ledger .* was founded with/],
    older: [PartBehind, /the log is an older copy: it has \d+ leaves, and had \d+/],
    newer: [StoreNotOurs, /event store ends at position \d+, and the log knows of entries up to/],
    "another's": [PartOfAnother, /the log is that of the ledger .*, and this keyring is of the ledger/],
    forked: [PartBehind, /: the log has gone on from an older copy/],
  },
};

describe('a ledger of which a part was exchanged', () => {
  let [before, after, shortFork, longFork, other] = ['', '', '', '', ''];

  beforeAll(async () => {
    const folder = freshDataDir('parts');
    await grown(folder);
    before = copyOf(folder);
    const head = await grown(folder);
    after = copyOf(folder);
    shortFork = copyOf(before);
    await grown(shortFork, 1);
    longFork = copyOf(before);
    while ((await grown(longFork)) < head);
    other = freshDataDir('other');
    await grown(other, 4 * EACH);
  }, 120_000);

  const others = (part: PartName): PartName[] =>
    (Object.keys(PART_FILES) as PartName[]).filter((name) => name !== part);

  /** The store of a fork is as long at least, so that it differs by what it holds and not by where it ends. */
  const forkOf = (part: PartName): string => (part === 'store' ? longFork : shortFork);

  function exchanged(part: PartName, kind: Kind): string {
    const folder = copyOf(after);
    if (kind === 'newer') for (const name of others(part)) exchange(name, folder, before);
    else exchange(part, folder, { empty: null, older: before, "another's": other, forked: forkOf(part) }[kind]);
    return folder;
  }

  const cells = (Object.keys(REFUSALS) as PartName[]).flatMap((part) =>
    (Object.keys(REFUSALS[part]) as Kind[]).map((kind) => ({ part, kind })),
  );

  it.each(cells)('$part, $kind: is refused, in the right words, and nothing is written', async ({ part, kind }) => {
    const folder = exchanged(part, kind);
    const head = part === 'store' && kind === 'empty' ? 0 : await headOf(folder);
    const [error, words] = REFUSALS[part][kind];
    const refusal = await startOf(folder);
    expect(refusal).toBeInstanceOf(error);
    expect(refusal!.message).toMatch(words);
    expect(await headOf(folder)).toBe(head);
    // The right data back, everything goes on by itself.
    if (kind === 'newer') for (const name of others(part)) exchange(name, folder, after);
    else exchange(part, folder, after);
    expect(await startOf(folder)).toBeNull();
  });

  it('goes on where only the read models are gone, or of another time: they are made again', async () => {
    const folder = copyOf(after);
    for (const from of [null, before]) {
      exchange('database', folder, from);
      const { cpSync } = await import('node:fs');
      cpSync(`${after}/access.sqlite`, `${folder}/access.sqlite`);
      expect(await startOf(folder)).toBeNull();
    }
  });
});
