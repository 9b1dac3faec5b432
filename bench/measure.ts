import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';

/** One thing measured: how many a second, and how long one call took. */
export interface Measurement {
  readonly name: string;
  readonly eventsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export interface SuiteResult {
  readonly durability: string;
  readonly measurements: readonly Measurement[];
  /** Medians over the rounds of the ratio within each round, so that a machine whose speed drifts does not tilt them. */
  readonly ratios: Readonly<Record<string, number>>;
}

/** The timings of one pass: how many events, how long in all, how long each call. */
export interface Pass {
  readonly events: number;
  readonly seconds: number;
  readonly callsMs: readonly number[];
}

/**
 * Times calls that so many callers make, each of them one after the other; a call returns how many events it handled.
 *
 * @param settle awaited at the end, inside the time
 */
export async function pass(
  calls: readonly (() => Promise<number> | number)[],
  options: { callers?: number; settle?: () => Promise<void> } = {},
): Promise<Pass> {
  const callsMs: number[] = [];
  let events = 0;
  let next = 0;
  const caller = async (): Promise<void> => {
    for (let call = calls[next++]; call !== undefined; call = calls[next++]) {
      const before = performance.now();
      const handled = await call();
      events += handled;
      callsMs.push(performance.now() - before);
    }
  };
  const began = performance.now();
  await Promise.all(Array.from({ length: options.callers ?? 1 }, caller));
  await options.settle?.();
  return { events, seconds: (performance.now() - began) / 1000, callsMs };
}

export const rateOf = ({ events, seconds }: Pass): number => events / seconds;

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

export function measurement(name: string, passes: readonly Pass[]): Measurement {
  const calls = passes.flatMap(({ callsMs }) => callsMs).sort((a, b) => a - b);
  const at = (share: number): number =>
    round(calls[Math.min(calls.length - 1, Math.floor(calls.length * share))] ?? Number.NaN);
  return { name, eventsPerSecond: Math.round(median(passes.map(rateOf))), p50Ms: at(0.5), p99Ms: at(0.99) };
}

export const round = (value: number): number => Math.round(value * 1000) / 1000;

/** Prints a table and the ratios, and with `json` one line for programs at the end. */
export function printResult({ durability, measurements, ratios }: SuiteResult, json: boolean): void {
  const versions = versionsOf(['better-sqlite3', 'ajv', 'kysely']);
  const lines = [
    `${cpus().length} × ${cpus()[0]?.model ?? 'unknown processor'}, Node ${process.version}, ${durability}`,
    '',
    ...measurements.map(
      (m) =>
        `${m.name.padEnd(44)} ${String(m.eventsPerSecond).padStart(9)} events/s   p50 ${m.p50Ms} ms   p99 ${m.p99Ms} ms`,
    ),
    '',
    ...Object.entries(ratios).map(([name, ratio]) => `${name.padEnd(44)} ${ratio.toFixed(2)}`),
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
  if (json) process.stdout.write(`${JSON.stringify({ peer: 'sijill', versions, durability, measurements, ratios })}\n`);
}

function versionsOf(packages: readonly string[]): Record<string, string> {
  // Some packages do not export their package.json, so it is read as the file it is.
  const versionOf = (name: string): string =>
    (
      JSON.parse(readFileSync(new URL(`../../node_modules/${name}/package.json`, import.meta.url), 'utf8')) as {
        version: string;
      }
    ).version;
  return { node: process.version, ...Object.fromEntries(packages.map((name) => [name, versionOf(name)])) };
}
