import type { Disclosure } from '@sijill/contracts';
import { accountingCsv } from './csv.js';

/** The row of a disclosure to a recipient of this name, and of nothing else. */
async function rowOf(name: string): Promise<string> {
  const disclosure = { recipient: { name }, dataCategories: [], clauses: [] } as unknown as Disclosure;
  const lines: string[] = [];
  for await (const line of accountingCsv([disclosure])) lines.push(line);
  return lines[1]!;
}

/** The cell of the name, as it stands in the file. */
async function cellOf(name: string): Promise<string> {
  const [before, behind] = (await rowOf('NAME')).split('NAME') as [string, string];
  const row = await rowOf(name);
  return row.slice(before.length, row.length - behind.length);
}

/** The cells of a line, where quotes are those of a program that splits at another separator. */
const split = (line: string, separator: string): string[] =>
  line.split(separator).flatMap((cell) => cell.split(/\r\n|\r|\n/));

describe('a cell of the CSV', () => {
  it.each([
    '=1+1',
    ' =1+1',
    '\t=1+1',
    'Najd;=1+1',
    'Najd\t=1+1',
    'Najd; "=1+1',
    'Najd|@SUM(1)',
    'Najd\n=1+1',
    'Najd\r\n-1',
    'a;b;=cmd|calc!A0',
    '\uff1d1+1',
  ])('%p runs nowhere, whatever separates cells', async (name) => {
    const cell = await cellOf(name);
    for (const separator of [';', '\t', '|', '\0'])
      for (const part of split(cell.replace(/^"|"$/g, ''), separator))
        expect(part.replace(/^[\s"]*/, '')).not.toMatch(/^[=+\-@\uff1d]/);
  });

  it.each(['Najd', 'a = b', 'شركة نجد', 'Najd, Ltd', 'x-y', '5 + 5; 6'])('%p is left as it is', async (name) => {
    expect((await cellOf(name)).replace(/^"|"$/g, '')).toBe(name);
  });
});
