import { POLICY_VERSION, type DemoSubject, type Draft } from '../demo-event.js';
import type { DemoPerson } from '../people.js';
import { accountHolder, foundAtDesk, messaged } from '../subjects.js';
import type { SeededRandom } from '../seeded-random.js';
import type { Appointment, Plot, World } from '../world.js';
import { accountClosed } from './accounts.js';
import { rightsRequest } from './rights.js';

type Reason = 'request' | 'purpose_ended' | 'consent_withdrawn' | 'retention_expired' | 'child';

function deleted(dataSubjects: readonly DemoSubject[], dataCategories: readonly string[], reason: Reason): Draft {
  return {
    source: '/lifecycle/retention',
    type: 'sijill.data.deleted.v1',
    data: {
      dataSubjects,
      dataCategories,
      policyVersion: POLICY_VERSION,
      system: 'retention-1',
      actor: 'nightly-job',
      reason,
      technique: reason === 'retention_expired' ? 'overwrite' : 'crypto_erase',
      backupsIncluded: reason === 'child',
    },
  };
}

const OF_AN_ACCOUNT = ['identity.name', 'contact.phone', 'contact.email', 'account.profile'];

function leaves(person: DemoPerson, world: World): void {
  world.holders.remove(person);
  world.marketable.remove(person);
}

function minorIdentified(person: DemoPerson, random: SeededRandom): Draft {
  return {
    source: '/support/desk',
    type: 'sijill.subject.minor_identified.v1',
    data: {
      dataSubjects: [foundAtDesk(person, random)],
      policyVersion: POLICY_VERSION,
      system: 'desk-1',
      actor: 'staff-122',
      learnedBy: 'guardian',
      details: { child: person.name.arabic },
    },
  };
}

/** Accounts that end: on request, since they turn out to be a child's, or since the consent behind them is gone. */
export function accountEndings(plot: Plot): Appointment[] {
  const { random, span } = plot;
  const time = (fraction: number): number => Math.floor(span * fraction);
  const onRequest = plot.cast(plot.scaled(6)).flatMap((person): Appointment[] => {
    const begin = 0.15 + 0.5 * random.fraction();
    return [
      { at: time(begin), happen: (world) => rightsRequest(person, world.random, 'received', 'deletion') },
      {
        at: time(begin + 0.2),
        happen: (world) => {
          leaves(person, world);
          return deleted([accountHolder(person)], OF_AN_ACCOUNT, 'request');
        },
      },
      { at: time(begin + 0.21), happen: (world) => rightsRequest(person, world.random, 'answered', 'deletion') },
      { at: time(begin + 0.22), happen: () => accountClosed(person) },
    ];
  });
  const children = plot.cast(plot.scaled(2)).flatMap((person): Appointment[] => {
    const begin = 0.2 + 0.5 * random.fraction();
    return [
      { at: time(begin), happen: (world) => minorIdentified(person, world.random) },
      {
        at: time(begin + 0.03),
        happen: (world) => {
          leaves(person, world);
          return deleted([accountHolder(person)], [...OF_AN_ACCOUNT, 'usage.logs'], 'child');
        },
      },
    ];
  });
  const others = plot.cast(plot.scaled(4)).map((person, i): Appointment => ({
    at: time(0.2 + 0.7 * random.fraction()),
    happen: (world) => {
      leaves(person, world);
      return deleted([accountHolder(person)], OF_AN_ACCOUNT, i % 2 === 0 ? 'purpose_ended' : 'consent_withdrawn');
    },
  }));
  return [...onRequest, ...children, ...others];
}

/** The nightly job that removes delivery records whose time is up, many people in one event. */
export function retentionRuns(plot: Plot): Appointment[] {
  const nights = Math.max(1, Math.floor(plot.span / 86_400_000) - 1);
  return Array.from({ length: nights }, (_, night) => ({
    at: Math.floor((plot.span * (night + 0.9)) / (nights + 1)),
    happen: ({ random, strangers }) => {
      const people = random.shuffled(strangers).slice(0, random.integer(3, 15));
      const subjects = people.map((person) => messaged(person, random));
      return deleted(subjects, ['message.delivery_record', 'usage.logs'], 'retention_expired');
    },
  }));
}
