import { join } from 'node:path';
import { intakePass, type IntakeRun } from '../embedded-intake.js';
import { sampleBodies, sampleEvents } from '../sample-events.js';
import type { Comparison, Part, Side } from '../side-by-side.js';
import type { Sample } from './sample.js';

const PEOPLE = 2000;
const LOADS = [
  { load: '1 caller', batch: 1, callers: 1 },
  { load: '16 callers', batch: 1, callers: 16 },
  { load: '256 callers', batch: 1, callers: 256 },
  // As many as keep the writer's thread supplied.
  { load: 'batches of 100', batch: 100, callers: 4 },
];

/** The whole embedded intake of a platform's everyday traffic: events about people that it knows. */
export function intakePart({ sizes: { events, atMostMs } }: Sample): Part {
  const sample = [...sampleEvents(PEOPLE + events, PEOPLE)];
  const before = sampleBodies(sample.slice(0, PEOPLE), 500);
  const one = sampleBodies(sample.slice(PEOPLE), 1);
  const hundred = sampleBodies(sample.slice(PEOPLE), 100);
  const side = (name: string, batch: number, run: Pick<IntakeRun, 'callers' | 'project'>): Side => ({
    name,
    run: (folder) => intakePass(join(folder, 'data'), batch === 1 ? one : hundred, { ...run, before, atMostMs }),
  });
  return {
    sides: [
      ...LOADS.flatMap(({ load, batch, callers }) => [
        side(`intake, ${load}`, batch, { callers, project: false }),
        side(`intake, ${load}, visible`, batch, { callers, project: true }),
      ]),
      side('intake, 16 callers, again', 1, { callers: 16, project: false }),
    ],
    comparisons: [
      {
        name: 'intake / bare insert, 100 at a time',
        over: 'intake, batches of 100',
        under: 'bare insert, 100 a transaction',
        aim: { atLeast: 0.8 },
      },
      ...LOADS.map(({ load }): Comparison => ({
        name: `visible / acknowledged, ${load}`,
        over: `intake, ${load}, visible`,
        under: `intake, ${load}`,
        aim: { atLeast: 0.5 },
      })),
      { name: 'control: intake / intake', over: 'intake, 16 callers, again', under: 'intake, 16 callers' },
    ],
    notes: [
      'intake: JSON text in; decoded, checked, resolved, sealed, appended, synced, acknowledged; one event a call, or batches of 100 from 4 callers; the people are known from earlier events',
      'visible: the read models follow, and the time ends when they show the last event',
    ],
    close: async () => undefined,
  };
}
