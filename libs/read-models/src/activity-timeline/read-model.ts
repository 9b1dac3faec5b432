import { entries } from '../entries/read-model.js';
import type { ReadModel } from '../read-model.js';
import { projectActivities } from './project.js';
import { activityIndexes, createActivityTable, type ActivityTables } from './table.js';

/** What happened with each subject's data. It shows what the catalogue of entries counts. */
export const activityTimeline: ReadModel<'activity-timeline', ActivityTables, [typeof entries]> = {
  name: 'activity-timeline',
  form: 1,
  serves: ['disclosure-history'],
  tables: { activity: ['position'] },
  create: createActivityTable,
  indexes: activityIndexes,
  needs: [entries],
  project: ({ target, batch, decided: [standings] }) => projectActivities(target, batch, standings),
  recall: async () => undefined,
};
