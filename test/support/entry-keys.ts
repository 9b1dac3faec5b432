import {
  appendBehind,
  authenticStore,
  entryAuthenticator,
  laneEnd,
  type AppendResult,
  type AuthenticStore,
  type EventStore,
  type KeylessStore,
  type NewEntry,
} from '@sijill/event-store';

/** An authenticator for tests that need no keyring. */
export const AUTHENTICATOR = entryAuthenticator({ current: 'a1', keys: { a1: new Uint8Array(32).fill(61) } });

/** A store as the ledger uses it, with that authenticator. */
export function authentic(store: Pick<KeylessStore, 'events'>): AuthenticStore {
  return authenticStore(store, AUTHENTICATOR);
}

/** Appends to a lane wherever it ends. */
export async function appendTo(store: EventStore, lane: string, entries: readonly NewEntry[]): Promise<AppendResult> {
  return appendBehind(store, lane, await laneEnd(store, lane), entries);
}

/** Puts an event into a stream as somebody does who can write to the store and has no key of ours. */
export async function intrude(
  { events }: KeylessStore,
  lane: string,
  event: { readonly id: string; readonly type: string; readonly data: string; readonly metadata: string },
): Promise<AppendResult> {
  let revision = -1;
  try {
    for await (const last of events.readStream(lane, { direction: 'backwards', limit: 1 })) revision = last.revision;
  } catch {
    // The stream is not there yet.
  }
  return events.append(lane, [event], revision === -1 ? 'no_stream' : revision);
}
