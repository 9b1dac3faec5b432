import type Database from 'better-sqlite3';
import type { LeafBytes } from '../raw-store.js';

// What `leafBytes` makes, for the most part made by SQLite: strings for JavaScript, and their concatenation there, took longer than the
// hash. Where the head of the metadata ends is found faster in the bytes.
const BEGINNING = `concat(char(0), '{"data":', data, ',"id":', json_quote(entry.id), ',"lane":', json_quote(stream.name), ',"metadata":', metadata)`;
const END = `concat('},"revision":', revision, ',"type":', json_quote(type), '}')`;
const MARK = Buffer.from(',"~":{');

type Page = [
  positions: string,
  beginningLengths: string,
  beginnings: Buffer | null,
  endLengths: string,
  ends: Buffer | null,
];

/** The query for pages of leaves. @param events what follows SELECT … for a page of events */
export class LeafPages<Parameters extends unknown[]> {
  readonly #page: Database.Statement<Parameters, Page>;

  constructor(db: Database.Database, events: string) {
    const bytesOf = (name: string): string =>
      `json_group_array(octet_length(${name})), CAST(group_concat(${name}, '') AS BLOB)`;
    const page = `SELECT position, ${BEGINNING} AS beginning, ${END} AS ending ${events}`;
    this.#page = db
      .prepare<Parameters, Page>(
        `SELECT json_group_array(position), ${bytesOf('beginning')}, ${bytesOf('ending')} FROM (${page})`,
      )
      .raw();
  }

  get(...parameters: Parameters): LeafBytes {
    const [positions, beginningLengths, beginnings, endLengths, ends] = this.#page.get(...parameters)!;
    return {
      ...cut(plain(beginnings), numbers(beginningLengths), plain(ends), numbers(endLengths)),
      positions: numbers(positions),
    };
  }
}

/** Takes what is behind the head out of each leaf. */
function cut(
  stored: Uint8Array,
  beginningLengths: readonly number[],
  ends: Uint8Array,
  endLengths: readonly number[],
): Omit<LeafBytes, 'positions'> {
  const bytes = new Uint8Array(stored.length + ends.length);
  const whole = Buffer.from(stored.buffer, stored.byteOffset, stored.length);
  const beside: [number, number][] = [];
  let [from, endFrom, at] = [0, 0, 0];
  const lengths = beginningLengths.map((length, i) => {
    const [to, endTo, first] = [from + length, endFrom + endLengths[i]!, at];
    const mark = whole.subarray(from, to).lastIndexOf(MARK);
    // Without a mark the metadata has its own brace at its end.
    const headTo = mark < 0 ? to - 1 : from + mark;
    bytes.set(stored.subarray(from, headTo), at);
    at += headTo - from;
    bytes.set(ends.subarray(endFrom, endTo), at);
    at += endTo - endFrom;
    beside.push([mark < 0 ? to : headTo, to]);
    [from, endFrom] = [to, endTo];
    return at - first;
  });
  return { bytes: bytes.subarray(0, at), lengths, stored, beside };
}

function plain(bytes: Buffer | null): Uint8Array {
  return bytes === null ? new Uint8Array() : new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
}

function numbers(list: string): number[] {
  return JSON.parse(list) as number[];
}
