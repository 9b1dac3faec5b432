// PostgreSQL takes 65,535 parameters in one statement and SQLite 32,766; long before that, building the statement costs more
// than sending a second one.
const PARAMETERS = 2_000;

/** Cuts rows into runs that one statement takes. */
export function* rowsAtATime<T>(rows: readonly T[], columns: number): Generator<T[]> {
  const size = Math.max(1, Math.floor(PARAMETERS / columns));
  for (let i = 0; i < rows.length; i += size) yield rows.slice(i, i + size);
}
