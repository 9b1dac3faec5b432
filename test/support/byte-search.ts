import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** All files below a directory. */
export function filesBelow(directory: string): string[] {
  return readdirSync(directory).flatMap((name) => {
    const path = join(directory, name);
    return statSync(path).isDirectory() ? filesBelow(path) : [path];
  });
}

/**
 * A text as bytes in every way in which it may have been written somewhere: UTF-8, UTF-16 in both orders, hexadecimal, and
 * base64 (with either alphabet) of each of the first three. In base64 a text looks different by its distance from the start,
 * modulo three; of each only the letters that depend on nothing around it are looked for.
 */
export function spellingsOf(text: string): Buffer[] {
  const utf8 = Buffer.from(text, 'utf8');
  const little = Buffer.from(text, 'utf16le');
  const big = Buffer.from(little).swap16();
  const encoded = [utf8, little, big].flatMap((bytes) =>
    [0, 1, 2].flatMap((shift) => {
      const base64 = Buffer.concat([Buffer.alloc(shift), bytes]).toString('base64');
      const from = Math.ceil((shift * 8) / 6);
      const letters = base64.slice(from, Math.floor(((shift + bytes.length) * 8) / 6));
      return [letters, letters.replaceAll('+', '-').replaceAll('/', '_')];
    }),
  );
  const hex = utf8.toString('hex');
  const written = new Set([...encoded, hex, hex.toUpperCase()]);
  return [utf8, little, big, ...[...written].map((letters) => Buffer.from(letters, 'ascii'))];
}

/** Which of the texts lie in which of the files, in any spelling: `text in file`. */
export function found(texts: readonly string[], files: readonly string[]): string[] {
  const needles = texts.map((text) => ({ text, spellings: spellingsOf(text) }));
  return files.flatMap((file) => {
    const bytes = readFileSync(file);
    return needles.flatMap(({ text, spellings }) =>
      spellings.some((spelling) => bytes.includes(spelling)) ? [`${text} in ${file}`] : [],
    );
  });
}
