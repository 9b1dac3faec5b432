export { MAX_APPEND_BYTES, writeEntry } from './append-limits.js';
export { copyEmbeddedStore } from './embedded/copy-store.js';
export { openEmbeddedStore, type EmbeddedStoreOptions } from './embedded/embedded.store.js';
export * from './errors.js';
export type { EventStoreDbOptions } from './eventstoredb/eventstoredb.store.js';
export { openEventStoreDb } from './open-eventstoredb.js';
export * from './event-store.port.js';
export type { OnNotice, StoreNotice } from './store-notice.js';
export { Lane, LaneBusy, LaneClosed, type LaneOptions } from './lane.js';
