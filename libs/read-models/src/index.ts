export { activitiesFrom, timelineRows, type Page, type TimelineFilter } from './activity-timeline/query.js';
export { openerForRows } from './activity-timeline/sealed-row.js';
export { activityView } from './activity-timeline/view.js';
export { CursorInvalid, decodeCursor, encodeCursor } from './cursor.js';
export {
  disclosureHistory,
  wholeDisclosureHistory,
  type HistoryReader,
  type PlacedDisclosure,
} from './disclosure-history/query.js';
export { duplicateViews, type DuplicateView } from './entries/duplicate-view.js';
export { duplicates, knownEvents, locateEntry, type Duplicate, type EntryPlace } from './entries/query.js';
export { storedEntry, type KnownEntry } from './entries/stored-entry.js';
export { openingWith, type OpenedPart, type Opener, type OpenerFor } from './opening.js';
export { personOf, type AboutPerson, type Person } from './person.js';
export { ProjectionFailed } from './projection-failed.js';
export { Projector, type ProjectorHealth, type ProjectorState } from './projector.js';
export { isQuarantined, quarantined, replayOf, type QuarantineView } from './quarantine/query.js';
export { highestVaultSequence, ReadModels, type ReadModelsOptions, type Rebuilt } from './read-models.js';
export { RebuildOvertaken } from './rebuild.js';
export { READ_MODEL_NAMES, READ_MODEL_SERVING, type ReadModelName } from './tables.js';
