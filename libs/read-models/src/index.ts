export { activityView, timelineRows, type Page, type TimelineFilter } from './activity-timeline/query.js';
export { CursorInvalid } from './cursor.js';
export { disclosureHistory } from './disclosure-history/query.js';
export { duplicates, knownEvents, locateEntry, type DuplicateView } from './entries/query.js';
export { Projector, type ProjectorState } from './projector.js';
export { quarantined, replayOf, type QuarantineView } from './quarantine/query.js';
export * from './queries.js';
export { QUERY_HANDLERS } from './query-handlers.js';
export { READ_MODELS, ReadModels, type ReadModelName } from './read-models.js';
