import type { ReadModel } from '../read-model.js';
import { projectQuarantine } from './project.js';
import { createQuarantineTable, type QuarantineTables } from './table.js';

/** What arrived and could not be understood, and what became of it. */
export const quarantine: ReadModel<'quarantine', QuarantineTables> = {
  name: 'quarantine',
  form: 1,
  serves: [],
  tables: { quarantine: ['position'] },
  create: createQuarantineTable,
  indexes: () => [],
  needs: [],
  project: ({ target, batch }) => projectQuarantine(target, batch),
  recall: async () => undefined,
};
