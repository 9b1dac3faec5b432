import { code } from './wire.js';

/** What is to go wrong with one append. */
export type AppendFault =
  /** The call that carries it breaks, before or after it is stored. */
  | { readonly kind: 'drop'; readonly stored: boolean }
  /** It is never answered. */
  | { readonly kind: 'silence'; readonly stored: boolean }
  /** It is stored, and answered only after a while. */
  | { readonly kind: 'late'; readonly ms: number }
  /** It is stored and answered twice. */
  | { readonly kind: 'twice' }
  /** It is refused for now inside the answer, as a node does that is starting. */
  | { readonly kind: 'not ready' }
  /** The call ends as if all were well, without an answer. */
  | { readonly kind: 'end'; readonly stored: boolean };

/** The switches of a stand-in; tests set them while it runs. */
export interface Faults {
  /** One for each append to come, in order, optionally for one stream's appends only. */
  readonly appends: (AppendFault & { readonly stream?: string })[];
  /** How the question for the supported methods is answered. */
  features: 'answered' | 'unimplemented' | 'unknown' | 'silence';
  /** Ends every open subscription: with a gRPC status, or as if all were well. */
  dropSubscriptions(how?: code | 'end'): void;
  /** While true, subscriptions stay open and send nothing. */
  muteSubscriptions: boolean;
  /** How many calls of a kind are open, to find those that a client has forgotten. */
  readonly open: { reads: number; subscriptions: number; appends: number };
}

export class FaultBoard implements Faults {
  readonly appends: (AppendFault & { readonly stream?: string })[] = [];
  readonly open = { reads: 0, subscriptions: 0, appends: 0 };
  features: Faults['features'] = 'answered';
  muteSubscriptions = false;
  readonly #subscriptions = new Set<(how: code | 'end') => void>();

  next(stream: string): AppendFault | undefined {
    const index = this.appends.findIndex((fault) => fault.stream === undefined || fault.stream === stream);
    return index < 0 ? undefined : this.appends.splice(index, 1)[0];
  }

  dropSubscriptions(how: code | 'end' = code.UNAVAILABLE): void {
    for (const drop of [...this.#subscriptions]) drop(how);
  }

  subscribed(drop: (how: code | 'end') => void): () => void {
    this.#subscriptions.add(drop);
    return () => this.#subscriptions.delete(drop);
  }
}
