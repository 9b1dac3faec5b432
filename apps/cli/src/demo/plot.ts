import { theProtagonist, type DemoPerson } from './people.js';
import type { SeededRandom } from './seeded-random.js';
import { accountStories, correctionStories, isOldAccount } from './stories/accounts.js';
import { authorityStories } from './stories/authorities.js';
import { breachStory } from './stories/breach.js';
import { contactStories } from './stories/contacts.js';
import { heartbeatStories } from './stories/heartbeats.js';
import { accountEndings, retentionRuns } from './stories/lifecycle.js';
import { protagonistStory } from './stories/protagonist.js';
import { objectionStories, requestStories, withdrawalStories } from './stories/rights.js';
import type { Appointment, Plot } from './world.js';

/** Everything that is fixed beforehand, in the order of time. */
export function plotOfTheMonth(people: readonly DemoPerson[], span: number, random: SeededRandom): Appointment[] {
  const free = random.shuffled(people.filter(isOldAccount));
  const plot: Plot = {
    random,
    span,
    people,
    scaled: (amongTwoThousand) => Math.max(1, Math.round((amongTwoThousand * people.length) / 2000)),
    cast: (count) => {
      if (free.length < count) throw new RangeError('too few people for the stories of the demo');
      return free.splice(0, count);
    },
  };
  const objectors = plot.cast(plot.scaled(11));
  const withdrawers = plot.cast(plot.scaled(15));
  return [
    ...accountStories(plot, new Set([...objectors, ...withdrawers])),
    ...objectionStories(plot, objectors),
    ...withdrawalStories(plot, withdrawers),
    ...correctionStories(plot),
    ...authorityStories(plot),
    ...requestStories(plot),
    ...accountEndings(plot),
    ...retentionRuns(plot),
    ...contactStories(plot),
    ...breachStory(plot),
    ...heartbeatStories(plot),
    ...protagonistStory(plot),
  ].sort((a, b) => a.at - b.at);
}

/** People without an account: whom messages reach all the same. */
export function strangersAmong(people: readonly DemoPerson[]): DemoPerson[] {
  return people.filter((person) => person.account === null && person !== theProtagonist);
}
