import { HEARTBEAT, type DemoEvent, type DemoSource, type Draft } from './demo-event.js';
import { CONFLICTS, DoubleSending, REPEATS } from './double-sending.js';
import { DrawPool } from './draw-pool.js';
import { demoPeople, type DemoPerson } from './people.js';
import { plotOfTheMonth, strangersAmong } from './plot.js';
import { eventsPerHour } from './rhythm.js';
import { SeededRandom } from './seeded-random.js';
import { everydayDraft } from './stories/everyday.js';
import type { World } from './world.js';

export type { DemoData, DemoEvent, DemoIdentifier, DemoSource, DemoSubject } from './demo-event.js';
export { demoPeople, theProtagonist, type DemoPerson } from './people.js';
export { phoneSpellings } from './phone-spellings.js';
export { PROTAGONIST_DISCLOSURES } from './stories/protagonist.js';

export interface DemoTraffic {
  readonly seed: number;
  /** 200 to 10,000; 2000 when left out. */
  readonly people?: number;
  /** The first instant of the month. Everything happens before `start` plus `days`, so choose it that far back. */
  readonly start: Date;
  /** At least 2; 30 when left out. */
  readonly days?: number;
  /** At least so many events; 21,000 when left out. The stories alone take about one and a half for each person. */
  readonly events?: number;
}

const HOUR = 3_600_000;

/**
 * A month of an SMS platform, as its services tell it to the ledger: structured-mode CloudEvents in the order in which they
 * are sent, made one by one while they are read. That is the order of `time`, but for repeats, which are sent late and keep
 * theirs. Reading it again, in this process or another, gives the same bytes.
 *
 * @throws RangeError for a number of people or days that the stories do not fit into
 */
export function demoTraffic(options: DemoTraffic): Iterable<DemoEvent> {
  const people = demoPeople(options.seed, options.people);
  const days = options.days ?? 30;
  if (!Number.isInteger(days) || days < 2) throw new RangeError(`the demo takes 2 days or more, not ${days}`);
  const events = options.events ?? 21_000;
  const start = options.start.getTime();
  return {
    [Symbol.iterator]: () =>
      month(people, new SeededRandom(`month of ${options.seed} from ${start}`), start, days, events),
  };
}

function* month(
  people: readonly DemoPerson[],
  random: SeededRandom,
  start: number,
  days: number,
  events: number,
): Generator<DemoEvent> {
  const world: World = {
    random,
    holders: new DrawPool(),
    marketable: new DrawPool(),
    strangers: strangersAmong(people),
  };
  const plot = plotOfTheMonth(people, days * 24 * HOUR, random);
  const everyday = Math.max(0, events - plot.length - REPEATS - CONFLICTS);
  const doubles = new DoubleSending(plot.length + everyday, random);
  const stamp = stamper(random);
  let next = 0;
  for (const [hour, share] of eventsPerHour(everyday, start, days * 24).entries()) {
    const moments = Array.from({ length: share }, () => ({
      at: hour * HOUR + random.integer(0, HOUR),
      happen: everydayDraft,
    }));
    for (let planned = plot[next]; planned !== undefined && planned.at < (hour + 1) * HOUR; planned = plot[++next]) {
      moments.push(planned);
    }
    moments.sort((a, b) => a.at - b.at);
    for (const { at, happen } of moments) {
      const event = stamp(happen(world), start + at);
      yield event;
      yield* doubles.after(event);
    }
  }
}

/** Gives drafts their ids, times and sequence numbers. */
function stamper(random: SeededRandom): (draft: Draft, instant: number) => DemoEvent {
  const counters = new Map<DemoSource, number>();
  return ({ source, type, data }, instant) => {
    const counted = type !== HEARTBEAT;
    const reached = (counters.get(source) ?? 0) + (counted ? 1 : 0);
    counters.set(source, reached);
    const sequence = { sequence: String(reached) };
    return {
      specversion: '1.0',
      id: uuid(random),
      source,
      type,
      time: new Date(instant).toISOString(),
      datacontenttype: 'application/json',
      ...(counted ? sequence : {}),
      data: counted ? data : { ...data, ...sequence },
    };
  };
}

/** In the form of a random UUID (RFC 9562, version 4). */
function uuid(random: SeededRandom): string {
  const digits = random.hex(32);
  const variant = '89ab'[Number.parseInt(digits.charAt(16), 16) % 4] ?? '8';
  return [
    digits.slice(0, 8),
    digits.slice(8, 12),
    `4${digits.slice(13, 16)}`,
    `${variant}${digits.slice(17, 20)}`,
    digits.slice(20),
  ].join('-');
}
