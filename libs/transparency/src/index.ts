export {
  formatProofEnd,
  formatProofHead,
  formatProofItem,
  ProofReader,
  type ProofHead,
  type ProofItem,
  type ProvenChain,
  type ProvenSubject,
  type WithheldLeaf,
} from './bundle/accounting-proof.js';
export {
  assertOnePerson,
  CONFLICTING,
  LINKED,
  openConflicts,
  SEPARATED,
  type ChainEntry,
  type SubjectChain,
} from './bundle/linked-subjects.js';
export { isPacked, proofLines, ProofPacker } from './bundle/proof-file.js';
export {
  ACCOUNTING_KINDS,
  MAP_LANE,
  SUBJECTS_MAPPED,
  verifyAccountingProof,
  type Accounting,
  type Completeness,
  type ProvenEntry,
} from './bundle/verify-accounting-proof.js';
export { verifyReport, type ReportVerified } from './bundle/verify-report.js';
export { canonicalJson } from './canonical-json.js';
export { KEY_INTRODUCED, KEY_RETIRED, KEYS_LANE, readAnnouncement, type KeyAnnouncement } from './keys/announcement.js';
export { followKeys, formatKeyChain, verifyKeyChain, type FollowedKeys } from './keys/key-chain.js';
export type { ProvenAnnouncement } from './keys/proven-announcement.js';
export { followGrowth, type Followed, type LogWithLosses } from './loss/follow-growth.js';
export {
  formatLosses,
  FOUNDING_LANE,
  LEDGER_RESTORED,
  readLoss,
  verifyLosses,
  type Loss,
  type ProvenLoss,
} from './loss/loss.js';
export { verifyOpening, type OpeningVerified } from './opening/verify-opening.js';
export { readAnyLeaf, readLeaf, type ForeignLeaf, type LeafEntry } from './leaf-entry.js';
export {
  concat,
  FormatInvalid,
  fromBase64,
  readDecimal,
  sameBytes,
  textOf,
  toBase64,
  toHex,
  uint64,
  utf8,
} from './primitives/bytes.js';
export { ed25519Verify, sha256, signingKey, type SigningKey } from './primitives/crypto.js';
export { formatCheckpoint, parseCheckpoint, type Checkpoint } from './note/checkpoint.js';
export { cosign, cosignaturesOf, type Cosignature } from './note/cosignature.js';
export { isSameLog, keysNamed, logName, readLogName, type LogName } from './note/log-name.js';
export { openCheckpoint, type OpenedCheckpoint, type Trust } from './note/open-checkpoint.js';
export {
  formatNote,
  formatSignature,
  parseNote,
  parseSignature,
  signersOf,
  signNote,
  type Note,
  type NoteSignature,
} from './note/signed-note.js';
export { signerOf, type Signer } from './note/signer.js';
export { formatVerifierKey, isSameKey, parseVerifierKey, verifierKey, type VerifierKey } from './note/verifier-key.js';
export { formatProof, parseProof, readHash, verifyLeaf, type LeafProof } from './proof/tlog-proof.js';
export { ENTRY_KINDS, entryKind, type EntryKind } from './subject-map/entry-kind.js';
export { formatMapProof, parseMapProof, verifyChain, verifyMap, type MapProof } from './subject-map/map-proof.js';
export {
  readReceiptKey,
  formatReceiptKeys,
  RECEIPT_KEY_INTRODUCED,
  RECEIPT_KEYS_LANE,
  receiptKey,
  verifyReceiptKeys,
  type AnnouncedReceiptKey,
} from './receipt/receipt-keys.js';
export { formatReceipt, MOST_PROMISED, parseReceipt, type PromisedEntry, type Receipt } from './receipt/receipt.js';
export {
  promisedEntryOf,
  verifyReceipt,
  type ReceiptSource,
  type ReceiptVerdict,
  type VerifiedReceipt,
  type VerifyReceiptOptions,
} from './receipt/verify-receipt.js';
export type { SubjectEntry } from './subject-map/sorted-entries.js';
export {
  Chain,
  chainKey,
  FIRST_HEAD,
  type MappedSubject,
  type SubjectHead,
  type SubjectLeaf,
} from './subject-map/subject-chain.js';
export {
  SubjectMap,
  type ChainLink,
  type MapChange,
  type MapTiles,
  type ProvenKey,
} from './subject-map/subject-map.js';
export { parseTilePath, tilePath } from './tiles/tile-path.js';
export { TreeGrowth } from './tiles/growth.js';
export {
  hashInTile,
  TILE_WIDTH,
  tileRoot,
  tilesOf,
  tileWidth,
  withTiles,
  type KnownHashes,
  type Tile,
  type TilePlace,
} from './tiles/tiles.js';
export { tilesOfCopy, verifyGrowth, verifyLog, type LogSource } from './verification/verify-log.js';
export {
  assertGoesOn,
  CosigningRefused,
  formatCosignRequest,
  openCosignRequest,
  parseCosignRequest,
  type CosignRequest,
  type RefusalReason,
  type WitnessedTree,
} from './witness/add-checkpoint.js';
export { CompactRange, subtreesBetween } from './tree/compact-range.js';
export { EMPTY_ROOT, HASH_BYTES, hashLeaf, hashLeaves, hashLeafText, hashNode } from './tree/hashing.js';
export {
  consistencyProof,
  inclusionProof,
  isRefusal,
  named,
  ProofInvalid,
  treeRoot,
  verifyConsistency,
  verifyInclusion,
} from './tree/proofs.js';
export type { ReadHash, Subtree } from './tree/subtrees.js';
