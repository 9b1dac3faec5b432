const HOUR = 3_600_000;
/** Riyadh keeps UTC+3 all year. */
const RIYADH_OFFSET = 3 * HOUR;
const FRIDAY = 5;

/** How busy the hours of a day are, from midnight in Riyadh. */
const WEIGHTS = [3, 2, 1, 1, 1, 1, 2, 4, 8, 10, 11, 11, 9, 9, 8, 8, 9, 10, 11, 12, 12, 10, 8, 5];

const weightOf = (instant: number): number => {
  const local = new Date(instant + RIYADH_OFFSET);
  return (WEIGHTS[local.getUTCHours()] ?? 1) * (local.getUTCDay() === FRIDAY ? 0.6 : 1);
};

/**
 * Shares a number of events out over the hours from `start`, as busy as such hours are. The shares add up to `total` exactly.
 *
 * @param start milliseconds since the Unix epoch
 */
export function eventsPerHour(total: number, start: number, hours: number): number[] {
  const weights = Array.from({ length: hours }, (_, hour) => weightOf(start + hour * HOUR));
  const whole = weights.reduce((sum, weight) => sum + weight, 0);
  let soFar = 0;
  let given = 0;
  return weights.map((weight) => {
    soFar += weight;
    const due = Math.round((total * soFar) / whole);
    const share = due - given;
    given = due;
    return share;
  });
}
