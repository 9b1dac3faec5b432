import { chmodSync, mkdtempSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { keyringIn, makeKeyring } from '../keyring.js';
import { CommandPlace } from './command-place.js';
import { DatabasePlace } from './database-place.js';
import { FilePlace } from './file-place.js';
import { KeyringUnusable, type KeyringPlace } from './keyring-place.js';

/** A program as an operator would write it: it keeps what it is given in a file beside it, and refuses what came too late. */
const PROGRAM = `#!/bin/sh
case "$1" in
  get) if [ -e KEPT ]; then cat KEPT; fi ;;
  put)
    there=none
    if [ -e KEPT ]; then there=$(sha256sum KEPT | cut -d' ' -f1); fi
    if [ "$2" != "$there" ]; then exit 5; fi
    cat > KEPT ;;
esac
`;

describe.each<[string, (folder: string) => KeyringPlace]>([
  ['a file', (folder) => new FilePlace(join(folder, 'keys', 'keyring.json'))],
  ['a table', (folder) => new DatabasePlace({ kind: 'sqlite', file: join(folder, 'keyring.sqlite') }, 'a database')],
  [
    'a program',
    (folder) => {
      const program = join(folder, 'keyring');
      writeFileSync(program, PROGRAM.replaceAll('KEPT', join(folder, 'kept')), { mode: 0o700 });
      return new CommandPlace([program]);
    },
  ],
])('%s as the place of a keyring', (_, placeIn) => {
  let folder: string;
  let place: KeyringPlace;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'sijill-place-'));
    place = placeIn(folder);
  });

  it('has what was put there last, and puts nothing over what it was not told of', async () => {
    expect(await place.get()).toBeNull();
    expect(await place.put('first\n', null)).toBe(true);
    expect(await place.put('other\n', null)).toBe(false);
    expect(await place.get()).toBe('first\n');
    expect(await place.put('second\n', 'something else\n')).toBe(false);
    expect(await place.put('second\n', 'first\n')).toBe(true);
    expect(await placeIn(folder).get()).toBe('second\n');
  });

  it('keeps a keyring that grows and shrinks, which another process reads again', async () => {
    await expect(keyringIn(place)).rejects.toThrow(/there is no keyring [\s\S]*backup/);
    const one = await makeKeyring(place, '2026-07-01T00:00:00.000Z');
    const other = await makeKeyring(placeIn(folder), '2026-07-01T00:00:00.000Z');
    expect(other.ledgerId).toBe(one.ledgerId);
    const first = one.index.current;
    const second = await one.add('index');
    expect([...one.index.keys.keys()]).toEqual([first, second]);
    expect(other.index.keys.has(second)).toBe(false);
    // Whoever has not heard of a key does not lose it.
    const third = await other.add('wrapping');
    await one.reread();
    expect([one.index.current, one.wrapping.current]).toEqual([second, third]);
    await other.drop('index', first);
    await one.reread();
    expect([...one.index.keys.keys()]).toEqual([second]);
    expect((await keyringIn(placeIn(folder))).fingerprint).toBe(one.fingerprint);
  });

  it('that has another ledger’s keyring now is not written to', async () => {
    const mine = await makeKeyring(place, '2026-07-01T00:00:00.000Z');
    const theirs = mkdtempSync(join(tmpdir(), 'sijill-place-'));
    await makeKeyring(placeIn(theirs), '2026-07-01T00:00:00.000Z');
    const text = (await placeIn(theirs).get())!;
    await place.put(text, await place.get());
    for (const change of [() => mine.add('tags'), () => mine.drop('tags', 'x'), () => mine.reread()])
      await expect(change()).rejects.toThrow("another ledger's now");
    expect(await place.get()).toBe(text);
  });
});

describe('a place that is not as it should be', () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'sijill-place-'))));

  it('is a file for its owner alone; one that cannot be written is said with what to do', async () => {
    const file = join(folder, 'keys', 'keyring.json');
    await makeKeyring(new FilePlace(file), '2026-07-01T00:00:00.000Z');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const nowhere = new FilePlace(join(file, 'keyring.json'));
    await expect(nowhere.put('x', null)).rejects.toThrow(/cannot be written from here[\s\S]*hand the new file/);
  });

  it('that cannot be looked into is not taken for an empty one', async () => {
    const file = join(folder, 'keyring.json');
    await makeKeyring(new FilePlace(file), '2026-07-01T00:00:00.000Z');
    // Not even who may read everything reads through a file.
    await expect(new FilePlace(join(file, 'keyring.json')).get()).rejects.toThrow(/cannot be read \(ENOTDIR\)/);
  });

  it.each<[string, string, RegExp]>([
    ['is not there', '', /"\S+ get" cannot be run; see SIJILL_KEYRING/],
    ['fails', '#!/bin/sh\nexit 3\n', /"\S+ get" ended with 3; see SIJILL_KEYRING/],
    ['prints something else', '#!/bin/sh\necho hello\n', /that "\S+ get" gives cannot be read as JSON/],
  ])('is a program that %s', async (_, text, message) => {
    const program = join(folder, 'program');
    if (text !== '') {
      writeFileSync(program, text);
      chmodSync(program, 0o700);
    }
    const reading = keyringIn(new CommandPlace([program]));
    await expect(reading).rejects.toThrow(message);
    await expect(reading).rejects.toThrow(KeyringUnusable);
  });
});
