import { FormatInvalid } from '../primitives/bytes.js';
import { TILE_WIDTH, type TilePlace } from './tiles.js';

/** A tile's address below the log's: `tile/<level>/<index>`, and `.p/<width>` when it is not full. C2SP tlog-tiles. */
export function tilePath({ level, index, width = TILE_WIDTH }: TilePlace & { readonly width?: number }): string {
  const digits = String(index);
  const groups = digits.padStart(Math.ceil(digits.length / 3) * 3, '0').match(/\d{3}/g)!;
  const path = groups.map((group, i) => (i < groups.length - 1 ? `x${group}` : group)).join('/');
  return `tile/${level}/${path}${width === TILE_WIDTH ? '' : `.p/${width}`}`;
}

/** @throws FormatInvalid */
export function parseTilePath(path: string): TilePlace & { readonly width: number } {
  const [, level, groups, width = String(TILE_WIDTH)] =
    /^tile\/(0|[1-9]\d?)\/((?:x\d{3}\/){0,6}\d{3})(?:\.p\/([1-9]\d{0,2}))?$/.exec(path) ?? [];
  if (level === undefined || groups === undefined) throw new FormatInvalid('not the address of a tile');
  const place = { level: Number(level), index: BigInt(groups.replace(/[x/]/g, '')), width: Number(width) };
  // Written anew, it must be the same: no address but one for each tile.
  if (place.level > 63 || tilePath(place) !== path) throw new FormatInvalid('not the address of a tile');
  return place;
}
