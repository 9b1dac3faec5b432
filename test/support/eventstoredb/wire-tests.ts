import { jsonEvent, type EventData } from '@eventstore/db-client';
import { setTimeout as pause } from 'node:timers/promises';

/** What the tests of the wire have in common. */
export const soon = (ms: number): Promise<void> => pause(ms);

export async function until(condition: () => boolean, patienceMs = 10_000): Promise<void> {
  for (let waited = 0; waited < patienceMs && !condition(); waited += 10) await soon(10);
  expect(condition()).toBe(true);
}

/** How a promise fails; where it does not, what it resolves to, which is no error. */
export const failureOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    (value) => ({ resolvedTo: value }),
    (error: unknown) => error,
  );

export const event = (n = 0, data: Record<string, unknown> = { n }): EventData => jsonEvent({ type: 'tested', data });
export const events = (count: number, from = 0): EventData[] =>
  Array.from({ length: count }, (_, i) => event(from + i));
export const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, i) => from + i);
