import type { ReadModel } from '../read-model.js';
import { projectEntries, standingsOf, type Standings } from './project.js';
import { createEntryTables, entryIndexes, type EntryTables } from './table.js';

/** The catalogue of all entries, and what each counts as. */
export const entries: ReadModel<'entries', EntryTables, [], Standings> = {
  name: 'entries',
  form: 2,
  serves: ['duplicates'],
  tables: {
    entry: ['entry_id'],
    event: ['generation', 'tag'],
    event_besides: ['generation', 'tag', 'digest', 'subject_id'],
  },
  create: createEntryTables,
  indexes: entryIndexes,
  needs: [],
  project: ({ target, batch }) => projectEntries(target, batch),
  recall: standingsOf,
};
