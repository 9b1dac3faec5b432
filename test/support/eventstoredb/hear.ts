import type { AllStreamResolvedEvent, ResolvedEvent } from '@eventstore/db-client';

/** What a subscription of the official client has said so far, in the order it said it. */
export interface Heard {
  readonly said: string[];
  readonly events: ResolvedEvent[];
  error?: unknown;
}

export interface ClientSubscription {
  on(event: string, listener: (argument?: unknown) => void): unknown;
}

export function hear(subscription: ClientSubscription): Heard {
  const heard: Heard = { said: [], events: [] };
  for (const what of ['confirmation', 'caughtUp', 'end', 'close']) subscription.on(what, () => heard.said.push(what));
  subscription.on('data', (resolved) => {
    heard.events.push(resolved as ResolvedEvent);
    heard.said.push('event');
  });
  subscription.on('error', (error) => {
    heard.error = error;
    heard.said.push('error');
  });
  return heard;
}

export const revisions = (list: readonly (ResolvedEvent | AllStreamResolvedEvent)[]): number[] =>
  list.map(({ event }) => Number(event?.revision));
