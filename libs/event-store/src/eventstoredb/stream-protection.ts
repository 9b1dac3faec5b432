import {
  AccessDeniedError,
  NO_STREAM,
  START,
  StreamNotFoundError,
  WrongExpectedVersionError,
  eventTypeFilter,
  jsonEvent,
  streamNameFilter,
  type EventStoreDBClient,
  type Filter,
} from '@eventstore/db-client';
import { isDeepStrictEqual } from 'node:util';
import { within } from '@sijill/platform';
import { StoreRefused, StoreUnavailable } from '../errors.js';
import {
  ADMINS,
  closedMetadata,
  isWritable,
  protectedSettings,
  rolesFor,
  type AccessList,
  type Right,
  type RightsInForce,
  type Settings,
} from './access-lists.js';
import { readFailure } from './client-failure.js';
import { connectionFacts } from './connection-string.js';
import { GuardedClient } from './guarded-client.js';
import type { RecordedEvent } from './recorded-entry.js';
import { lastEvent, lastJson, metadataOf, objectOf, type Json } from './stream-metadata.js';

/** A right that somebody beside the administrators, and for writing beside the ledger's own user, has and could use against the ledger. */
export interface OpenRight {
  /** A stream, or `ledger-*` for all that have no list of their own. */
  readonly stream: string;
  readonly right: Right;
  readonly roles: readonly string[];
}

/** A stream of the ledger whose entries the server hides or has given up, and by what. */
export interface HiddenStream {
  readonly stream: string;
  readonly by: 'deletion' | '$tb' | '$maxCount' | '$maxAge';
}

/** What stands between the ledger's streams and whoever would remove, cut or hide entries. */
export interface StreamProtection {
  /** Without TLS the server knows nobody and enforces nothing. */
  readonly isEnforced: boolean;
  readonly user: string | null;
  /** Whether that user is an administrator, whom no list binds. */
  readonly isAdmin: boolean;
  readonly open: readonly OpenRight[];
  readonly hidden: readonly HiddenStream[];
  /** Whether the log was read to its end; a server before 23.10 does not say when it is. */
  readonly isComplete: boolean;
}

/** A stream that was written to, and what holds since. */
export interface StreamChange {
  readonly stream: string;
  readonly change: string;
}

const ALL = '$all';
const SETTINGS = '$settings';
const PROTECTED: readonly Right[] = ['$d', '$mw'];
/** Of a stream that is the ledger's already. */
const CLOSED: readonly Right[] = ['$w', ...PROTECTED];
const TRUNCATIONS = ['$tb', '$maxCount', '$maxAge'] as const;
/** A server that sends neither events nor how far it has looked for this long has no more to say. */
const SILENCE_MS = 3_000;
const ANSWER_MS = 10_000;

/**
 * Looks up who could delete or hide what the ledger has stored, and whether somebody has. It only reads, and only the log: the
 * server's settings and all metadata are events there, so whoever may read the ledger may ask.
 *
 * @param prefix what the ledger's streams begin with
 * @param lanes  streams of the ledger that are known: of these it is looked up who may write to them
 * @throws StoreRefused     the user may not read the log, or the connection string cannot be used
 * @throws StoreUnavailable the server could not be read
 */
export async function readStreamProtection(
  connectionString: string,
  prefix: string,
  lanes: readonly string[],
): Promise<StreamProtection> {
  return withClient(connectionString, async ({ client, facts }) => {
    const ofStreams = streamNameFilter({ prefixes: [SETTINGS, metadataOf(SETTINGS), metadataOf(prefix)], ...WIDE });
    const ofDeletions = eventTypeFilter({ prefixes: ['$streamDeleted'], ...WIDE });
    const [found, deletions] = await Promise.all([lookThrough(client, ofStreams), lookThrough(client, ofDeletions)]);
    const rights = rightsIn(found.events);
    const deleted = deletions.events.filter(({ streamId }) => streamId.startsWith(prefix));
    return {
      isEnforced: facts.isSecure,
      user: facts.user,
      isAdmin: facts.isSecure && (await isAdmin(client, rights, facts.user)),
      open: openRights(rights, prefix, lanes, facts.user),
      hidden: [
        ...deleted.map(({ streamId }): HiddenStream => ({ stream: streamId, by: 'deletion' })),
        ...hiddenStreams(rights, prefix),
      ],
      isComplete: found.isComplete && deletions.isComplete,
    };
  });
}

/**
 * Keeps deleting and metadata writing for administrators, takes exceptions from that out of the ledger's own streams, leaves writing to those
 * that are known to the ledger's user, and lets that user read the log. What is so already is left alone; other settings stay as they are.
 *
 * @param connectionString the ledger's own, for the name of the user that is to read and write
 * @param lanes            streams of the ledger that are known
 * @returns what was changed; nothing when all was so already
 * @throws StoreRefused the connection is not an administrator's, or without TLS, where rights mean nothing
 */
export async function protectStreams(
  adminConnectionString: string,
  connectionString: string,
  prefix: string,
  lanes: readonly string[],
): Promise<StreamChange[]> {
  const reader = connectionFacts(connectionString).user;
  return withClient(adminConnectionString, async ({ client, facts }) => {
    if (!facts.isSecure) throw new StoreRefused('without TLS the server enforces no rights: there is nothing to set');
    const changed: StreamChange[] = [];
    const write = async (stream: string, type: string, change: string, next: (old: Json) => Json): Promise<Json> => {
      const { value, revision } = await inTime(lastJson(client, stream));
      const data = next(value);
      if (isDeepStrictEqual(data, value)) return value;
      // Exactly behind what was read: somebody else's change in between fails this one, instead of being lost.
      const expectedRevision = revision ?? NO_STREAM;
      await inTime(client.appendToStream(stream, jsonEvent({ type, data }), { expectedRevision }));
      changed.push({ stream, change });
      return data;
    };
    const settings: Settings = await write(
      SETTINGS,
      SETTINGS,
      'deleting and metadata writing are for administrators',
      (old) => ({
        ...protectedSettings(old as Settings),
      }),
    );
    if (reader !== null)
      await write(metadataOf(ALL), '$metadata', `${reader} may read the log`, (old) =>
        readableBy(settings, old, reader),
      );
    const ofStreams = streamNameFilter({ prefixes: [metadataOf(prefix)], ...WIDE });
    const found = rightsIn((await lookThrough(client, ofStreams)).events).metadata;
    for (const stream of new Set([...lanes, ...found.keys()])) {
      const metadata = found.get(stream) ?? {};
      const closed = withoutExceptions(metadata, lanes.includes(stream) ? reader : null);
      if (isDeepStrictEqual(closed, metadata) || !Object.values(metadata).every(isWritable)) continue;
      const change = 'its own list no longer lets others write to it, delete it or write its metadata';
      await write(metadataOf(stream), '$metadata', change, (old) =>
        withoutExceptions(old, lanes.includes(stream) ? reader : null),
      );
    }
    return changed;
  });
}

/** So many events the server looks at before it says how far it is. */
const WIDE = { maxSearchWindow: 1_000, checkpointInterval: 10 };

async function withClient<T>(connectionString: string, work: (guarded: GuardedClient) => Promise<T>): Promise<T> {
  const guarded = new GuardedClient(connectionString, undefined);
  try {
    return await work(guarded);
  } catch (error) {
    if (error instanceof WrongExpectedVersionError)
      throw new StoreUnavailable(`somebody else has just changed ${error.streamName}; try again`, { cause: error });
    throw readFailure(error, ALL);
  } finally {
    await guarded.discard();
  }
}

/** All events of a filter up to the end of the log as it is met. */
async function lookThrough(
  client: EventStoreDBClient,
  filter: Filter,
): Promise<{ events: RecordedEvent[]; isComplete: boolean }> {
  const events: RecordedEvent[] = [];
  let timer: NodeJS.Timeout | undefined;
  let subscription: ReturnType<typeof client.subscribeToAll> | undefined;
  try {
    const isComplete = await new Promise<boolean>((resolve, reject) => {
      const alive = () => {
        clearTimeout(timer);
        timer = setTimeout(() => resolve(false), SILENCE_MS);
      };
      const opened = client.subscribeToAll({ fromPosition: START, filter: { ...filter, checkpointReached: alive } });
      subscription = opened;
      opened.on('confirmation', alive);
      opened.on('data', ({ event }: { event?: RecordedEvent }) => {
        alive();
        if (event !== undefined) events.push(event);
      });
      opened.on('caughtUp', () => resolve(true));
      opened.on('error', reject);
      opened.on('end', () => reject(new StoreUnavailable('the server ended the look through its log')));
      timer = setTimeout(() => reject(new StoreUnavailable(`no answer in ${ANSWER_MS} ms`)), ANSWER_MS);
    });
    return { events, isComplete };
  } finally {
    clearTimeout(timer);
    subscription?.destroy();
  }
}

/** The last word on each stream's metadata and on the defaults. */
function rightsIn(events: readonly RecordedEvent[]): RightsInForce {
  let settings: Settings = {};
  const metadata = new Map<string, Json>();
  for (const { streamId, data } of events) {
    if (streamId === SETTINGS) settings = objectOf(data) as Settings;
    else if (streamId.startsWith('$$')) metadata.set(streamId.slice(2), objectOf(data));
  }
  return { settings, metadata };
}

function openRights(rights: RightsInForce, prefix: string, lanes: readonly string[], user: string | null): OpenRight[] {
  const ledger = [...rights.metadata.keys()].filter((stream) => stream.startsWith(prefix));
  // A name that no stream has, and no list: what holds for all the others.
  const unlisted = { name: `${prefix}*`, rights: PROTECTED };
  const listed = ledger.filter((name) => hasExceptions(rights.metadata.get(name) as Json));
  // Whoever may write the defaults, or delete them, can lift everything that they forbid.
  const defaults = { name: SETTINGS, rights: ['$w', '$d', '$mw'] as const };
  return [
    unlisted,
    ...lanes.map((name) => ({ name, rights: ['$w'] as const })),
    ...listed.map((name) => ({ name, rights: PROTECTED })),
    defaults,
  ].flatMap(({ name, rights: asked }) =>
    asked
      .map((right) => ({
        stream: name,
        right,
        roles: others(rolesFor(rights, name, right)).filter(
          (role) => name === SETTINGS || right !== '$w' || role !== user,
        ),
      }))
      .filter(({ roles }) => roles.length > 0),
  );
}

function hiddenStreams({ metadata }: RightsInForce, prefix: string): HiddenStream[] {
  return [...metadata]
    .filter(([stream]) => stream.startsWith(prefix))
    .flatMap(([stream, found]) =>
      TRUNCATIONS.filter((key) => typeof found[key] === 'number' && found[key] > 0).map((by) => ({ stream, by })),
    );
}

/**
 * Lists do not bind administrators, and the server has no question for who is one. But a stream of the server's own that has no
 * list is theirs alone to read, even one that is not there: whoever is told so is one of them.
 */
async function isAdmin(client: EventStoreDBClient, rights: RightsInForce, user: string | null): Promise<boolean> {
  const unknown = '$sijill-asks-who-is-an-administrator';
  const readers = others(rolesFor(rights, unknown, '$r'));
  if (readers.includes('$all') || (user !== null && readers.includes(user))) return false;
  try {
    await inTime(lastEvent(client, unknown));
    return true;
  } catch (error) {
    if (error instanceof StreamNotFoundError) return true;
    if (error instanceof AccessDeniedError) return false;
    throw error;
  }
}

/** The client has no limit of its own for reads, nor for most appends. */
function inTime<T>(answer: Promise<T>): Promise<T> {
  return within(ANSWER_MS, answer, () => {
    throw new StoreUnavailable(`no answer in ${ANSWER_MS} ms`);
  });
}

function readableBy(settings: Settings, metadata: Json, reader: string): Json {
  const list = objectOf(metadata['$acl']) as AccessList;
  const readers = rolesFor({ settings, metadata: new Map([[ALL, metadata]]) }, ALL, '$r');
  if (readers.includes(reader) || readers.includes('$all')) return metadata;
  return { ...metadata, $acl: { ...list, $r: [...readers, reader] } };
}

function hasExceptions(metadata: Json): boolean {
  const list = objectOf(metadata['$acl']) as AccessList;
  return PROTECTED.some((right) => letsOthers(list, right, null));
}

/** A stream's metadata without lists that let others do what is forbidden; where it is the ledger's, closed to all but its user. */
function withoutExceptions(metadata: Json, user: string | null): Json {
  const list = objectOf(metadata['$acl']) as AccessList;
  const kept = Object.entries(list).filter(
    ([right]) =>
      !CLOSED.includes(right as Right) || (right === '$w' && user === null) || !letsOthers(list, right as Right, user),
  );
  const without = '$acl' in metadata ? { ...metadata, $acl: Object.fromEntries(kept) } : metadata;
  return user === null ? without : (closedMetadata(without, user) ?? without);
}

function letsOthers(list: AccessList, right: Right, user: string | null): boolean {
  return right in list && others([list[right]].flat().map(String)).some((role) => role !== user);
}

function others(roles: readonly string[]): string[] {
  return roles.filter((role) => role !== ADMINS);
}
