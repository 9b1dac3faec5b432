export { GrowingLog } from './growing-log.js';
export { logSigner, verifierKeyText, type LogSigner } from './log-signer.js';
export { HeadMoved, LogStore, type LogHead, type SignedCheckpoint } from './log-store.js';
export { LOG_ALIVE, Notary, type NotaryHealth, type NotaryOptions, type NotaryState } from './notary.js';
export { fromTiles, proveEntry } from './prove.js';
export { assertSignedPast, SignedPastLost } from './signed-past.js';
export { checkRange, type Finding, type RangeChecked, type TileRange } from './verification/check-range.js';
export { verifyStore, type StoreVerified, type VerifyOptions } from './verification/verify-store.js';
