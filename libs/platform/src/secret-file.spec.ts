import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSecretFile, leftBeside, replaceSecretFile } from './secret-file.js';

const SOMEBODY = 12_345;
const asRoot = process.getuid?.() === 0 ? it : it.skip;

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sijill-secret-'));
  file = join(folder, 'keyring.json');
});

describe('a secret file that is replaced', () => {
  it('behind a link is the one that the link leads to; the link stays', () => {
    const far = join(folder, 'far');
    mkdirSync(far);
    createSecretFile(join(far, 'real.json'), 'before');
    symlinkSync(join(far, 'real.json'), join(folder, 'between.json'));
    symlinkSync('between.json', file);
    replaceSecretFile(file, 'after');
    expect(lstatSync(file).isSymbolicLink()).toBe(true);
    expect(readFileSync(join(far, 'real.json'), 'utf8')).toBe('after');
    expect([readdirSync(far), readdirSync(folder).sort()]).toEqual([
      ['real.json'],
      ['between.json', 'far', 'keyring.json'],
    ]);
  });

  it('keeps its mode', () => {
    createSecretFile(file, 'before');
    chmodSync(file, 0o440);
    replaceSecretFile(file, 'after');
    expect([statSync(file).mode & 0o777, readFileSync(file, 'utf8')]).toEqual([0o440, 'after']);
  });

  asRoot('stays whose it is; who cannot leave it so changes nothing', () => {
    createSecretFile(file, 'before');
    chownSync(file, SOMEBODY, SOMEBODY + 1);
    replaceSecretFile(file, 'after');
    const { uid, gid, mode } = statSync(file);
    expect([uid, gid, mode & 0o777]).toEqual([SOMEBODY, SOMEBODY + 1, 0o600]);

    chmodSync(folder, 0o777);
    chmodSync(file, 0o666);
    process.seteuid!(SOMEBODY + 2);
    try {
      expect(() => replaceSecretFile(file, 'later')).toThrow('EPERM');
    } finally {
      process.seteuid!(0);
    }
    expect([readFileSync(file, 'utf8'), readdirSync(folder)]).toEqual(['after', ['keyring.json']]);
  });
});

describe('what a killed writer of a secret file has left', () => {
  const left = (name: string, minutes: number): string => {
    const path = join(folder, name);
    writeFileSync(path, 'all keys');
    utimesSync(path, Date.now() / 1000 - minutes * 60, Date.now() / 1000 - minutes * 60);
    return name;
  };

  it.each<[string, () => unknown]>([
    ['made', () => createSecretFile(file, 'one')],
    ['replaced', () => (writeFileSync(file, 'none'), replaceSecretFile(file, 'one'))],
  ])('is taken away when the file is %s, and nothing else is', (_, write) => {
    left('keyring.json.0a1b2c3d4e5f.unfinished', 60);
    const stay = [
      // Of a writer that may be at work now; of another file; and copies that somebody has made.
      left('keyring.json.0a1b2c3d4e60.unfinished', 1),
      left('other.json.0a1b2c3d4e5f.unfinished', 60),
      left('keyring.json.202611301200', 60),
      left('keyring.json.unfinished', 60),
    ];
    expect(leftBeside(file)).toEqual(
      ['keyring.json.0a1b2c3d4e5f.unfinished', 'keyring.json.0a1b2c3d4e60.unfinished'].map((name) =>
        join(folder, name),
      ),
    );
    write();
    expect(readdirSync(folder).sort()).toEqual([...stay, 'keyring.json'].sort());
  });

  it('is looked for beside the file that a link leads to', () => {
    mkdirSync(join(folder, 'far'));
    writeFileSync(join(folder, 'far', 'real.json'), 'before');
    symlinkSync(join('far', 'real.json'), file);
    left('far/real.json.0a1b2c3d4e5f.unfinished', 60);
    expect(leftBeside(file)).toEqual([join(folder, 'far', 'real.json.0a1b2c3d4e5f.unfinished')]);
    replaceSecretFile(file, 'after');
    expect(readdirSync(join(folder, 'far'))).toEqual(['real.json']);
  });

  it('is nothing where the write itself fails', () => {
    mkdirSync(file);
    expect(() => replaceSecretFile(file, 'x')).toThrow();
    expect(readdirSync(folder)).toEqual(['keyring.json']);
  });
});
