export { MAX_APPEND_BYTES, MAX_APPEND_ENTRIES, measured, sealedHash, writeEntry } from './append-limits.js';
export { assertEdition } from './assert-edition.js';
export { entryAuthenticator, type EntryAuthenticator } from './authenticator.js';
export { Appender, type Append } from './embedded/appender.js';
export { copyEmbeddedStore } from './embedded/copy-store.js';
export { openEmbeddedStore, type EmbeddedStoreOptions, type EntryWriter } from './embedded/embedded.store.js';
export {
  foundingData,
  foundLedger,
  LEDGER_FOUNDED,
  readFounding,
  type FoundedLedger,
  type Founding,
} from './founding.js';
export { openWriting } from './embedded/schema.js';
export { authenticatorHolds, authenticStore, unknownKeyOf, withoutKey, type AppendWatch } from './entry-store.js';
export * from './errors.js';
export type { StreamProtection } from './eventstoredb/stream-protection.js';
export type { EventStoreDbOptions } from './eventstoredb/eventstoredb.store.js';
export * from './event-store.port.js';
export { Lane, LaneBusy, LaneClosed, laneLost, type Appended, type LaneOptions } from './lane.js';
export { appendBehind, laneEnd, type LaneEnd } from './lane-end.js';
export { LaneEnds } from './lane-ends.js';
export { LaneRevisions } from './lane-revisions.js';
export { fileLane, httpLane, kafkaLane, LANE_PREFIX, LANES, nodeLane } from './lane-names.js';
export { entryText, foreignDigest, foreignLeafText, leafHashOf, leafText } from './leaf-text.js';
export { ENTRY_FORMAT, ledgerEntry, type LedgerEntryOptions } from './ledger-entry.js';
export { openEventStoreDb } from './open-eventstoredb.js';
export { drainedTo, drainOutbox, type OutboxRow, type OutboxSource } from './outbox.js';
export type { AuthenticStore, KeylessStore, LeafBytes, RawAppend, RawEvent, RawStore } from './raw-store.js';
export { assertHolds, IS_ACCEPTED, type MarkedEntry } from './store-marks.js';
export type { OnNotice, StoreNotice } from './store-notice.js';
export { readBeside, type Beside } from './stored-form.js';
export { protectStreams, readStreamProtection } from './stream-protection.js';
