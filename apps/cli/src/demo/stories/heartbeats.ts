import { DEMO_SOURCES, HEARTBEAT } from '../demo-event.js';
import type { Appointment, Plot } from '../world.js';

const DAY = 86_400_000;

/** Every service says once a day that it is there, and how far its counter has come; the traffic fills that in. */
export function heartbeatStories(plot: Plot): Appointment[] {
  const days = Math.floor(plot.span / DAY);
  return Array.from({ length: days }, (_, day) => day).flatMap((day) =>
    DEMO_SOURCES.map((source, i) => ({
      // One a minute, in the last hour of the day.
      at: (day + 1) * DAY - (DEMO_SOURCES.length - i + 1) * 60_000,
      happen: () => ({ source, type: HEARTBEAT, data: { system: 'supervisor-1' } }),
    })),
  );
}
