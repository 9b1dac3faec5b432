/** Text from outside, ready to be set: its direction, and its pieces, between which a line may break. */
export interface Printable {
  readonly dir: 'ltr' | 'rtl';
  readonly pieces: readonly string[];
  /** Ids and digests are set in a fixed pitch, so that they can be compared by eye. */
  readonly mono?: true;
}

export type Printer = (text: string) => Printable;

/** A run without a space or hyphen that is longer than this may be broken inside; words of any language are shorter. */
const LONGEST_WORD = 24;
const PIECE = 8;

/**
 * Makes the function that readies text from outside.
 *
 * - What a font cannot show is written as its code, `[U+1F600]`: PDF/A refuses a missing glyph, and nothing may vanish.
 * - Controls are written out too. One that turns the direction of reading could make a recipient's name read as
 *   another's. Line breaks become `¶`, because a name must not draw lines of its own.
 * - The direction is that of the first strong letter (rule P2 of UAX #9), so that a Latin name keeps its order inside an
 *   Arabic sentence and the other way round.
 *
 * @param covers whether one font has glyphs for a whole cluster
 */
export function printer(covers: (cluster: string) => boolean): Printer {
  const shownClusters = new Map<string, string>();
  const shown = (cluster: string): string => {
    const known = shownClusters.get(cluster) ?? shownCluster(cluster, covers);
    shownClusters.set(cluster, known);
    return known;
  };
  return (text) => {
    if (plain.test(text)) return { dir: 'ltr', pieces: piecesOf(text) };
    const spelled = text
      .toWellFormed()
      .replace(/\r\n|[\n\r\v\f\u0085\u2028\u2029]/g, ' ¶ ')
      .replaceAll('\t', ' ')
      .replace(/\P{M}\p{M}*|\p{M}+/gsu, shown);
    return { dir: directionOf(spelled), pieces: piecesOf(spelled) };
  };
}

/** Most of a ledger is printable ASCII, which every font has. */
const plain = /^[\x20-\x7e]*$/;

function shownCluster(cluster: string, covers: (cluster: string) => boolean): string {
  const [base = ''] = cluster;
  if (!/[\p{Cc}\p{Cf}\p{Co}\p{M}]/u.test(base) && covers(cluster)) return cluster;
  return [...cluster]
    .map((char) => (/[\p{C}\p{M}\p{Z}]/u.test(char) || !covers(char) ? `[U+${codeOf(char)}]` : char))
    .join('');
}

function codeOf(char: string): string {
  return (char.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
}

function directionOf(text: string): 'ltr' | 'rtl' {
  const strong = /\p{L}/u.exec(text)?.[0] ?? '';
  return /[\p{Script=Arabic}\p{Script=Hebrew}]/u.test(strong) ? 'rtl' : 'ltr';
}

/** Breaks are offered between pieces instead of by invisible characters, which would be copied out with the text. */
function piecesOf(text: string): string[] {
  return text
    .split(/(?<=[\s-])/u)
    .reduce<string[]>((pieces, word) => {
      if (word.length > LONGEST_WORD) pieces.push(...chopped(word), '');
      else pieces.push((pieces.pop() ?? '') + word);
      return pieces;
    }, [])
    .filter((piece) => piece !== '');
}

function chopped(word: string): string[] {
  const clusters = word.match(/\P{M}\p{M}*|\p{M}+/gsu) ?? [];
  return Array.from({ length: Math.ceil(clusters.length / PIECE) }, (_, i) =>
    clusters.slice(i * PIECE, (i + 1) * PIECE).join(''),
  );
}
