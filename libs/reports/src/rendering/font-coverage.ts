/**
 * Tells which characters a TrueType or OpenType font has a glyph for, from its `cmap` table.
 *
 * PDF/A forbids a character without a glyph, and the compiler gives the whole document up over one. Names come from
 * outside and may hold anything, so what no font covers is found here first and written as its code.
 *
 * @param font the file's bytes; formats 4 and 12 of the table are read, which is what fonts of today have
 */
export function readCoverage(font: Buffer): (codePoint: number) => boolean {
  const ranges = segmentsOf(font, characterMap(font));
  return (codePoint) => {
    const range = ranges.find(([first, last]) => codePoint >= first && codePoint <= last);
    return range?.[2](codePoint) ?? false;
  };
}

type Segment = readonly [first: number, last: number, hasGlyph: (codePoint: number) => boolean];

/** Offset of the fullest Unicode subtable: format 12 where there is one. */
function characterMap(font: Buffer): number {
  const tables = Array.from({ length: font.readUInt16BE(4) }, (_, i) => 12 + 16 * i);
  const entry = tables.find((at) => font.toString('latin1', at, at + 4) === 'cmap');
  if (entry === undefined) throw new Error('the font has no character map');
  const cmap = font.readUInt32BE(entry + 8);
  const subtables = Array.from(
    { length: font.readUInt16BE(cmap + 2) },
    (_, i) => cmap + font.readUInt32BE(cmap + 8 + 8 * i),
  );
  const best =
    subtables.find((at) => font.readUInt16BE(at) === 12) ?? subtables.find((at) => font.readUInt16BE(at) === 4);
  if (best === undefined) throw new Error('the font has no character map that can be read');
  return best;
}

function segmentsOf(font: Buffer, at: number): Segment[] {
  if (font.readUInt16BE(at) === 12) {
    return Array.from({ length: font.readUInt32BE(at + 12) }, (_, i): Segment => {
      const group = at + 16 + 12 * i;
      const first = font.readUInt32BE(group);
      const glyph = font.readUInt32BE(group + 8);
      return [first, font.readUInt32BE(group + 4), (codePoint) => glyph + codePoint - first !== 0];
    });
  }
  const doubled = font.readUInt16BE(at + 6);
  return Array.from({ length: doubled / 2 }, (_, i): Segment => {
    const end = at + 14 + 2 * i;
    const start = end + 2 + doubled;
    const rangeOffset = start + 2 * doubled;
    const first = font.readUInt16BE(start);
    const delta = font.readUInt16BE(start + doubled);
    const offset = font.readUInt16BE(rangeOffset);
    return [
      first,
      font.readUInt16BE(end),
      (codePoint) =>
        offset === 0
          ? ((codePoint + delta) & 0xffff) !== 0
          : font.readUInt16BE(rangeOffset + offset + 2 * (codePoint - first)) !== 0,
    ];
  });
}
