import type { JsonObject, NewEntry, StoredEntry, WrittenEntry } from '@sijill/event-store';

/** An entry on its way into a lane, whichever way it was made. */
export type ReadyEntry = NewEntry | WrittenEntry;

/**
 * The end of a lane in the middle of a record: its entries went in several appends, and a crash came between two of them. What is
 * missing is made anew from the record itself, perhaps by another release, under other limits, or after the people in it became
 * others; so it is compared, and nothing is told by its number alone.
 */
export class CutRecord {
  private constructor(
    private readonly last: StoredEntry,
    private readonly index: number,
    private readonly of: number,
  ) {}

  /** The record that a lane's last entry leaves open, or null where the lane ends with a whole one. */
  static at(end: StoredEntry | null): CutRecord | null {
    const part = end?.metadata['part'] as { index: number; of: number } | undefined;
    return end === null || part === undefined || part.index + 1 >= part.of
      ? null
      : new CutRecord(end, part.index, part.of);
  }

  /**
   * What has to be written of the record.
   *
   * As a rule the parts behind the one that is stored. Where today other entries are made of it, their numbers mean nothing any
   * more, and the record is written whole, behind its own beginning: so nobody in it can be left out. Whoever is in both is there
   * twice for one event, which its identity tells like any repeat; a `missed` entry in its place would have told of the loss, and
   * kept it.
   *
   * @param made the entries of the whole record, as they are made now
   */
  rest<T extends ReadyEntry>(made: readonly T[]): { readonly entries: readonly T[]; readonly differs: boolean } {
    const differs = made.length !== this.of || !continues(this.last, made[this.index]!);
    return { entries: differs ? made : made.slice(this.index + 1), differs };
  }
}

/** Whether the same part of the same event, about the same person, was made again. */
function continues(stored: StoredEntry, made: ReadyEntry): boolean {
  const { subjectId } = membersOf(made.data);
  return (
    stored.type === made.type &&
    eventOf(stored.metadata) === eventOf(membersOf(made.metadata)) &&
    stored.data['subjectId'] === subjectId
  );
}

/** Tag and digest of the event, one text; empty for quarantine entries, which hold no event but a record's bytes. */
function eventOf({ event }: JsonObject): string {
  if (event === undefined) return '';
  const { generation, tag, digest } = event as { generation: string; tag: string; digest: string };
  return `${generation} ${tag} ${digest}`;
}

function membersOf(body: JsonObject | string): JsonObject {
  return typeof body === 'string' ? (JSON.parse(body) as JsonObject) : body;
}
