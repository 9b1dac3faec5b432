export type { AcceptedEvent, Reading } from './accepted-event.js';
export { decodeJson } from './decode.js';
export type { EntryCatalogue, EventKey } from './entry-catalogue.js';
export { EntryMaker, type Made, type MadeEntry, type Provenance } from './entry-maker.js';
export { FileUnreadable, importFile, type ImportProgress, type ImportResult } from './file/import-file.js';
export {
  HttpIntake,
  type AcceptedItem,
  type AcceptedLeaf,
  type IncomingBatch,
  type IntakeAnswer,
  type RejectedItem,
} from './http/http-intake.js';
export { HttpLane, LaneElsewhere } from './http/http-lane.js';
export { CodecMissing, registerCodecs } from './kafka/codecs.js';
export { KafkaIntake, type KafkaIntakeState } from './kafka/kafka-intake.js';
export { RECORDS_MISSED } from './kafka/missed-records.js';
export { PartitionLane } from './kafka/partition-lane.js';
export { readRecord } from './kafka/read-record.js';
export { Quarantine, QUARANTINED, type RawRecord } from './quarantine/quarantine.js';
export { QuarantineDesk, type ReplayOutcome } from './quarantine/replay.js';
export { readEvent, type IntakeLimits } from './read-event.js';
export { SeenEvents } from './seen-events.js';
