/**
 * The identity of an event, as far as anybody without the vault's keys knows it: a tag over producer, source and id, keyed under
 * the generation of the event's own time. The same two twice is one event.
 */
export interface EventKey {
  readonly generation: string;
  readonly tag: string;
}

/** One text for a key, for maps. */
export function nameOf({ generation, tag }: EventKey): string {
  return `${generation}/${tag}`;
}

/** The tags of some keys, by generation: nearly always there is one. */
export function keysByGeneration(keys: Iterable<EventKey>): ReadonlyMap<string, string[]> {
  const tags = new Map<string, string[]>();
  for (const { generation, tag } of keys) {
    const known = tags.get(generation);
    if (known === undefined) tags.set(generation, [tag]);
    else known.push(tag);
  }
  return tags;
}
