import { activityTimeline } from './activity-timeline/read-model.js';
import { entries } from './entries/read-model.js';
import { quarantine } from './quarantine/read-model.js';

/** The read models. Each comes behind those that it needs. */
export const READ_MODELS = [entries, activityTimeline, quarantine] as const;
