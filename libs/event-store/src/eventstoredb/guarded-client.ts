import { EventStoreDBClient } from '@eventstore/db-client';
import type { Duplex } from 'node:stream';
import { StoreUnavailable } from '../errors.js';
import type { OnNotice } from '../store-notice.js';
import { connectionFacts, unreadable, type ConnectionFacts } from './connection-string.js';

type Call = Duplex & { cancel(): void };

/** What we touch of the client behind its published interface. Release 6.2.1 is the last, so none of it moves. */
interface ClientInternals {
  /** Every call that is open, from its creation on. */
  readonly disposableStreams: Set<Call>;
  createChannel: () => Promise<{ close(): void }>;
  handleError: (client: unknown, error: Error) => Promise<void>;
}

/**
 * One client of the official library, kept from taking the process down, and one that can really be let go.
 *
 * All its appends travel on one long call, and the promises of all clients of the process wait in one map. Left alone:
 * - an answer nobody waits for any more throws inside the call: an unhandled rejection, and the call reads nothing more;
 * - a call that breaks while writes queue for it rejects where nobody listens;
 * - cancelling that call rejects what other clients are waiting for;
 * - nothing ever closes the channel.
 */
export class GuardedClient {
  readonly client: EventStoreDBClient;
  /** Who it is to the server, and whether the server asks. */
  readonly facts: ConnectionFacts;
  readonly #internals: ClientInternals;
  readonly #channels: Promise<{ close(): void }>[] = [];
  #discarded = false;
  #appendCallFailed = false;
  #appendCall: Call | null = null;

  /** @throws StoreRefused the connection string cannot be read, or a certificate it names */
  constructor(
    connectionString: string,
    private readonly onNotice: OnNotice | undefined,
  ) {
    this.facts = connectionFacts(connectionString);
    try {
      this.client = EventStoreDBClient.connectionString(connectionString);
    } catch (error) {
      throw unreadable(error);
    }
    this.#internals = this.client as unknown as ClientInternals;
    this.#watchCalls();
    this.#watchChannels();
  }

  /**
   * Whether this client's own append call has broken. If it has not, an append rejected for a broken call was hit by
   * another client of this process, and the error says nothing about it.
   */
  get appendCallFailed(): boolean {
    return this.#appendCallFailed;
  }

  /** The call that carries appends now; null where the next append begins a new one, perhaps over a new connection. */
  get appendCall(): object | null {
    return this.#appendCall;
  }

  /** Cancels every call and closes every channel. What still waits for an answer on this client never gets one. */
  async discard(): Promise<void> {
    this.#discarded = true;
    for (const call of this.#internals.disposableStreams) {
      // A cancelled call ends in an error; by now nobody else need hear of it.
      call.on('error', () => undefined);
      call.cancel();
    }
    for (const channel of await Promise.allSettled(this.#channels)) {
      if (channel.status === 'fulfilled') channel.value.close();
    }
  }

  #watchCalls(): void {
    const calls = this.#internals.disposableStreams;
    const add = calls.add.bind(calls);
    calls.add = (call) => {
      if (typeof call.write === 'function' && typeof call.read === 'function') this.#guardAppendCall(call);
      return add(call);
    };
  }

  // At this point the only listeners are the client's own two: settle one append, and reject all.
  #guardAppendCall(call: Call): void {
    this.#wrap(call, 'data', 'answer without a question');
    this.#wrap(call, 'error', 'connection replaced');
    call.on('error', () => (this.#appendCallFailed = true));
    this.#appendCall = call;
    for (const end of ['error', 'end', 'close'])
      call.on(end, () => {
        if (this.#appendCall === call) this.#appendCall = null;
      });
    // The client queues writes behind a full buffer and rejects the queue into nowhere when the call breaks. We never let
    // it queue: what may be in the buffer is bounded by the appends under way, one for each lane.
    const write = call.write.bind(call) as (...args: unknown[]) => boolean;
    call.write = (...args: unknown[]) => {
      write(...args);
      return true;
    };
  }

  #wrap(call: Call, event: 'data' | 'error', what: 'answer without a question' | 'connection replaced'): void {
    for (const listener of call.listeners(event) as ((argument: unknown) => void)[]) {
      call.off(event, listener);
      call.on(event, (argument: unknown) => {
        if (this.#discarded) return;
        try {
          listener(argument);
        } catch (error) {
          this.onNotice?.({ what, detail: `the client failed on its append call's ${event} event`, error });
        }
      });
    }
  }

  #watchChannels(): void {
    const internals = this.#internals;
    const createChannel = internals.createChannel;
    internals.createChannel = () => {
      // An append that was given up while it waited for the server's first word would go on by itself on a new channel.
      if (this.#discarded) return Promise.reject(new StoreUnavailable('the client was given up'));
      const channel = createChannel();
      this.#channels.push(channel);
      return channel;
    };
    const handleError = internals.handleError;
    internals.handleError = async (client, error) => {
      try {
        await handleError(client, error);
      } catch (failure) {
        // Called without anybody waiting for it; the next call meets the same trouble and reports it.
        this.onNotice?.({ what: 'connection replaced', detail: 'the client could not reconnect', error: failure });
      }
    };
  }
}
