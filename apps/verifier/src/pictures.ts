import { hashLeaf, hashNode, parseProof, toHex, type LeafEntry } from '@sijill/transparency';
import { shape } from './element.js';
import type { ProvenLeaf } from './given-files.js';
import type { Activity, Words } from './words.js';

const ROW = 34;
const WIDTH = 380;

/** The way from a leaf up to the root: at each step the hash that is computed, and the one beside it that the proof gives. */
export function pathPicture({ index, checkpoint, proof, leaf }: ProvenLeaf, words: Words): SVGSVGElement {
  const { path } = parseProof(proof);
  const steps = stepsOf(index, checkpoint.size, hashLeaf(leaf), path);
  const height = (steps.length + 1) * ROW + 12;
  const yOf = (row: number): number => height - 18 - row * ROW;
  const picture = shape('svg', {
    viewBox: `0 0 ${WIDTH} ${height}`,
    role: 'img',
    'aria-label': words.path,
    class: 'path',
    direction: 'ltr',
  });
  const middle = WIDTH / 2;
  const box = (x: number, y: number, hash: Uint8Array, kind: string): void => {
    picture.append(
      shape('rect', { x: String(x - 48), y: String(y - 11), width: '96', height: '22', rx: '5', class: kind }),
      shape('text', { x: String(x), y: String(y + 4), class: 'hash' }, toHex(hash.subarray(0, 5))),
    );
  };
  const note = (row: number, text: string, onTheLeft: boolean): void => {
    const place = { x: String(middle + (onTheLeft ? -56 : 56)), y: String(yOf(row) + 4) };
    picture.append(shape('text', { ...place, class: 'note', 'text-anchor': onTheLeft ? 'end' : 'start' }, text));
  };
  let hash = hashLeaf(leaf);
  steps.forEach(({ sibling, left, result }, row) => {
    const [x, y, above] = [left ? middle - 118 : middle + 118, yOf(row), yOf(row + 1)];
    picture.append(
      shape('line', {
        x1: String(middle),
        y1: String(y - 11),
        x2: String(middle),
        y2: String(above + 11),
        class: 'way',
      }),
      shape('line', { x1: String(x), y1: String(y - 11), x2: String(middle), y2: String(above + 11), class: 'beside' }),
    );
    box(x, y, sibling, 'given');
    box(middle, y, hash, row === 0 ? 'leaf' : 'computed');
    hash = result;
  });
  box(middle, yOf(steps.length), hash, 'root');
  note(steps.length, words.root, false);
  if (steps.length > 0) note(0, words.kinds.leaf, !steps[0]!.left);
  return picture;
}

/** The steps of RFC 9162, section 2.1.3.2, of a proof that holds. */
function stepsOf(
  index: bigint,
  size: bigint,
  leaf: Uint8Array,
  path: readonly Uint8Array[],
): { sibling: Uint8Array; left: boolean; result: Uint8Array }[] {
  let [at, last, hash] = [index, size - 1n, leaf];
  return path.map((sibling) => {
    const left = (at & 1n) === 1n || at === last;
    if (left) while ((at & 1n) === 0n && at !== 0n) [at, last] = [at >> 1n, last >> 1n];
    hash = left ? hashNode(sibling, hash) : hashNode(hash, sibling);
    [at, last] = [at >> 1n, last >> 1n];
    return { sibling, left, result: hash };
  });
}

const ACTIVITIES: readonly Activity[] = ['collected', 'used', 'disclosed', 'deleted', 'consulted', 'other'];

export function activityOf({ type }: LeafEntry): Activity {
  const [, what, how] = /^sijill\.(\w+)\.(\w+)\.v\d+$/.exec(type) ?? [];
  if (what === 'data' && (how === 'collected' || how === 'used' || how === 'disclosed' || how === 'deleted'))
    return how;
  return what === 'ledger' && how === 'consulted' ? 'consulted' : 'other';
}

/** When the entries happened: a row for each kind, a mark for each entry. Time runs as the language reads. */
export function timelinePicture(
  entries: readonly LeafEntry[],
  words: Words,
  rightToLeft: boolean,
): SVGSVGElement | null {
  const dated = entries.flatMap((entry) => {
    const time = Date.parse(String(entry.data['occurredAt']));
    return Number.isNaN(time) ? [] : [{ time, activity: activityOf(entry) }];
  });
  if (dated.length === 0) return null;
  const kinds = ACTIVITIES.filter((kind) => dated.some(({ activity }) => activity === kind));
  const [first, last] = dated.reduce(
    ([a, b], { time }) => [Math.min(a, time), Math.max(b, time)],
    [Infinity, -Infinity],
  );
  const [label, width, height] = [110, 720, kinds.length * 26 + 40];
  const along = (time: number): number => {
    const share = last === first ? 0.5 : (time - first) / (last - first);
    const x = label + 40 + share * (width - label - 80);
    return rightToLeft ? width - x : x;
  };
  const picture = shape('svg', {
    viewBox: `0 0 ${width} ${height}`,
    role: 'img',
    'aria-label': words.timeline,
    class: 'timeline',
    direction: rightToLeft ? 'rtl' : 'ltr',
  });
  kinds.forEach((kind, row) => {
    const y = 20 + row * 26;
    const [from, to] = rightToLeft ? [4, width - label] : [label, width - 4];
    picture.append(
      shape(
        'text',
        { x: String(rightToLeft ? width - 4 : 4), y: String(y + 4), class: 'kind' },
        words.activities[kind],
      ),
      shape('line', { x1: String(from), y1: String(y), x2: String(to), y2: String(y), class: 'row' }),
      ...dated
        .filter(({ activity }) => activity === kind)
        .map(({ time }) => shape('circle', { cx: String(along(time)), cy: String(y), r: '5', class: kind })),
    );
  });
  const day = (time: number): string => new Date(time).toISOString().slice(0, 10);
  const ends = last === first ? [first] : [first, last];
  for (const time of ends)
    picture.append(
      shape('text', { x: String(along(time)), y: String(height - 6), class: 'day', direction: 'ltr' }, day(time)),
    );
  return picture;
}
