import type { Line } from './line.js';
import { code } from './wire.js';

/** What is to go wrong with one append. */
export type AppendFault =
  /** The call that carries it breaks, before or after it is stored. */
  | { readonly kind: 'drop'; readonly stored: boolean }
  /** The connection under it breaks, with every other call on it, before or after it is stored. */
  | { readonly kind: 'cut'; readonly stored: boolean }
  /** The server ends at it, as one does whose disk is full. */
  | { readonly kind: 'crash'; readonly stored: boolean }
  /** It is never answered. */
  | { readonly kind: 'silence'; readonly stored: boolean }
  /** It is stored and answered only after a while. */
  | { readonly kind: 'delay'; readonly ms: number }
  /** It is stored at once, and answered only after a while. */
  | { readonly kind: 'late'; readonly ms: number }
  /** It is stored and answered twice. */
  | { readonly kind: 'twice' }
  /** It is refused for now, as a node does that is starting. */
  | { readonly kind: 'not ready' }
  /** The call ends as if all were well, without an answer. */
  | { readonly kind: 'end'; readonly stored: boolean };

export interface Endpoint {
  readonly address: string;
  readonly port: number;
}

/** A node of a cluster, as gossip tells of it. */
export interface Member extends Endpoint {
  /** `Unknown` while a leader is elected. */
  readonly state: 'Unknown' | 'Follower' | 'Leader' | 'ReadOnlyReplica' | 'CatchingUp';
  readonly isAlive: boolean;
}

/** The switches of a stand-in; tests set them while it runs. */
export interface Faults {
  /** One for each append to come, in order, optionally for one stream's appends only. */
  readonly appends: (AppendFault & { readonly stream?: string })[];
  /** How the question for the supported methods is answered. */
  features: 'answered' | 'unimplemented' | 'unknown' | 'silence';
  /** While set, every new call is refused with this status. */
  refuse: code | undefined;
  /** While set, another node is the leader, or none is: whatever asks for the leader is sent there, or refused. */
  leader: Endpoint | 'nobody' | undefined;
  /** While false, an append that another node must store is not answered: that node is gone, or does not answer either. */
  forwards: boolean;
  /** While true and another node is the leader, this one is a read-only replica, which forwards no writes. */
  isReplica: boolean;
  /**
   * While true, it leads and no other node hears it: what is appended stays with it, seen by nobody and not answered. So a leader that was
   * frozen and does not know yet that another one leads.
   */
  isCutOff: boolean;
  /** How many appends stayed with it. */
  unreplicated: number;
  /** What gossip answers; itself, as the leader, when nothing is set. */
  members: readonly Member[] | undefined;
  /** Ends every open subscription: with a gRPC status (`INTERNAL`: as a node that is told to end), or as if all were well. */
  dropSubscriptions(how?: code | 'end'): void;
  /** Breaks every connection. */
  cutConnections(): void;
  /** As a process that is stopped: connections stay and can be made, nothing is read, executed or answered. */
  freeze(): void;
  /** It goes on, with what has arrived. */
  thaw(): void;
  /** While true, connections can be made and what is sent on them is lost. Those that were lost stay so. */
  blackHole: boolean;
  /** By so much the server's clock is ahead; behind, where it is negative. */
  clockSkewMs: number;
  /** While true, subscriptions stay open and send nothing. */
  muteSubscriptions: boolean;
  /** How many calls of a kind are open, to find those that a client has forgotten. */
  readonly open: { reads: number; subscriptions: number; appends: number };
}

export class FaultBoard implements Faults {
  readonly appends: (AppendFault & { readonly stream?: string })[] = [];
  readonly open = { reads: 0, subscriptions: 0, appends: 0 };
  features: Faults['features'] = 'answered';
  refuse: code | undefined = undefined;
  leader: Faults['leader'] = undefined;
  forwards = true;
  isReplica = false;
  isCutOff = false;
  unreplicated = 0;
  members: readonly Member[] | undefined = undefined;
  muteSubscriptions = false;
  clockSkewMs = 0;
  readonly #subscriptions = new Set<(how: code | 'end') => void>();
  readonly #lines = new Set<Line>();
  #isFrozen = false;
  #isBlackHole = false;

  /** `crash` ends the server at once. */
  constructor(readonly crash: () => void) {}

  /** The server's clock, in milliseconds since 1970. */
  now(): number {
    return Date.now() + this.clockSkewMs;
  }

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

  cutConnections(): void {
    for (const line of this.#lines) line.cut();
  }

  freeze(): void {
    this.#isFrozen = true;
    for (const line of this.#lines) line.freeze();
  }

  thaw(): void {
    this.#isFrozen = false;
    for (const line of this.#lines) line.thaw();
  }

  get blackHole(): boolean {
    return this.#isBlackHole;
  }

  set blackHole(on: boolean) {
    this.#isBlackHole = on;
    if (on) for (const line of this.#lines) line.swallow();
  }

  connected(line: Line): () => void {
    this.#lines.add(line);
    if (this.#isFrozen) line.freeze();
    if (this.#isBlackHole) line.swallow();
    return () => this.#lines.delete(line);
  }
}
