import type { Draft } from './demo-event.js';
import type { DrawPool } from './draw-pool.js';
import type { DemoPerson } from './people.js';
import type { SeededRandom } from './seeded-random.js';

/** The platform as it stands at a moment of the month. */
export interface World {
  readonly random: SeededRandom;
  /** Account holders of whom everyday traffic may speak: signed up, not deleted. */
  readonly holders: DrawPool<DemoPerson>;
  /** Who has consented to marketing and not taken it back. */
  readonly marketable: DrawPool<DemoPerson>;
  /** People without an account. */
  readonly strangers: readonly DemoPerson[];
}

/** Something that the plot of the month fixes beforehand. */
export interface Appointment {
  /** Milliseconds since the start of the month. */
  readonly at: number;
  /** Says what happens then, and changes the world accordingly. */
  readonly happen: (world: World) => Draft;
}

/** What a story is planned with. */
export interface Plot {
  readonly random: SeededRandom;
  /** Length of the month in milliseconds. */
  readonly span: number;
  readonly people: readonly DemoPerson[];
  /** How many of something a platform of this size has, given how many one of two thousand people has; at least one. */
  readonly scaled: (amongTwoThousand: number) => number;
  /** Account holders from before the month, each given out to one story only. */
  readonly cast: (count: number) => DemoPerson[];
}
