import { POLICY_VERSION, type DemoData, type Draft } from '../demo-event.js';
import type { DemoPerson } from '../people.js';
import { accountHolder } from '../subjects.js';
import type { Appointment, Plot } from '../world.js';

const SCOPE = 'delivery reports of one customer were readable to another one for forty minutes';

function breach(step: 'detected' | 'reported', people: readonly DemoPerson[]): Draft {
  const data: DemoData = {
    dataSubjects: people.map(accountHolder),
    dataCategories: ['contact.phone', 'message.delivery_record'],
    policyVersion: POLICY_VERSION,
    system: 'monitor-1',
    actor: 'staff-140',
    scope: SCOPE,
  };
  return { source: '/security/monitor', type: `sijill.breach.${step}.v1`, data };
}

/** A breach, and its report to the authority within two days. */
export function breachStory(plot: Plot): Appointment[] {
  const people = plot.cast(plot.scaled(9));
  const at = Math.floor(plot.span * 0.7);
  return [
    { at, happen: () => breach('detected', people) },
    { at: at + Math.floor(plot.span * 0.05), happen: () => breach('reported', people) },
  ];
}
