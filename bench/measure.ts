import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';

/** One thing measured: how many a second, and how long one call took. */
export interface Measurement {
  readonly name: string;
  readonly eventsPerSecond: number;
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
}

/** What a ratio should be, and whether it is. */
export interface Aim {
  readonly ratio: string;
  readonly aim: string;
  readonly met: boolean;
}

export interface SuiteResult {
  readonly suite: string;
  readonly durability: string;
  readonly measurements: readonly Measurement[];
  /** Medians over the rounds of the ratio within each round, so that a machine whose speed drifts does not tilt them. */
  readonly ratios: Readonly<Record<string, number>>;
  readonly aims: readonly Aim[];
  /** What each side did, and what could not be measured, and why. */
  readonly notes: readonly string[];
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
 * @param atMostMs no call begins later than this, so that a slow side does not hold up the others
 */
export async function pass(
  calls: readonly (() => Promise<number> | number)[],
  options: { callers?: number; settle?: () => Promise<void>; atMostMs?: number } = {},
): Promise<Pass> {
  const { callers = 1, settle, atMostMs = Infinity } = options;
  const callsMs: number[] = [];
  let events = 0;
  let next = 0;
  const began = performance.now();
  const caller = async (): Promise<void> => {
    for (let call = calls[next++]; call !== undefined; call = calls[next++]) {
      const before = performance.now();
      if (before - began > atMostMs) return;
      const handled = await call();
      events += handled;
      callsMs.push(performance.now() - before);
    }
  };
  await Promise.all(Array.from({ length: callers }, caller));
  await settle?.();
  return { events, seconds: (performance.now() - began) / 1000, callsMs };
}

export const rateOf = ({ events, seconds }: Pass): number => events / seconds;

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

/** The median of the ratios within each round. */
export function ratioOf(over: readonly Pass[], under: readonly Pass[]): number {
  return round(median(over.map((each, i) => rateOf(each) / rateOf(under[i]!))));
}

export function measurement(name: string, passes: readonly Pass[]): Measurement {
  const calls = passes.flatMap(({ callsMs }) => callsMs).sort((a, b) => a - b);
  const at = (share: number): number | null =>
    calls.length === 0 ? null : round(calls[Math.min(calls.length - 1, Math.floor(calls.length * share))]!);
  return { name, eventsPerSecond: Math.round(median(passes.map(rateOf))), p50Ms: at(0.5), p99Ms: at(0.99) };
}

export const round = (value: number): number => Math.round(value * 1000) / 1000;

/** One line that the next replaces; on a terminal only. */
export function showProgress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${text}`);
}

/** Prints a table, the ratios with their aims, and with `json` one line for programs at the end. */
export function printResult({ suite, ...result }: SuiteResult, json: boolean): void {
  const { durability, measurements, ratios, aims, notes } = result;
  const versions = versionsOf(['better-sqlite3', 'ajv', 'kysely', 'kafkajs', 'pg']);
  const widest = Math.max(
    ...measurements.map(({ name }) => name.length),
    ...Object.keys(ratios).map((name) => name.length),
  );
  const judged = (name: string): string => {
    const aim = aims.find(({ ratio }) => ratio === name);
    return aim === undefined ? '' : `   aim ${aim.aim}: ${aim.met ? 'met' : 'missed'}`;
  };
  const lines = [
    `${suite}: ${cpus().length} × ${cpus()[0]?.model ?? 'unknown processor'}, Node ${process.version}, ${durability}`,
    '',
    ...measurements.map(
      (m) =>
        `${m.name.padEnd(widest)} ${String(m.eventsPerSecond).padStart(9)} events/s${m.p50Ms === null ? '' : `   p50 ${m.p50Ms} ms   p99 ${m.p99Ms} ms`}`,
    ),
    '',
    ...Object.entries(ratios).map(
      ([name, ratio]) => `${name.padEnd(widest)} ${ratio.toFixed(2).padStart(9)}${judged(name)}`,
    ),
    ...(notes.length === 0 ? [] : ['', ...notes.map((note) => `- ${note}`)]),
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
  if (json) process.stdout.write(`${JSON.stringify({ peer: 'sijill', suite, versions, ...result })}\n`);
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
