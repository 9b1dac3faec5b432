import type { handleBidiStreamingCall, ServerDuplexStream } from '@grpc/grpc-js';
import { appendBytes, MAX_APPEND_SIZE } from './append-size.js';
import { accessDenied, badRequest, notReady, result, timedOut, tooLarge, type Result } from './batch-answers.js';
import { commit, type AppendServer } from './commit.js';
import type { Caller } from './access.js';
import type { Expected, Proposed } from './event-log.js';
import {
  expectedOf,
  proposedEvent,
  streamIdentifier,
  streamName,
  streams,
  structuredUuid,
  uuidText,
  type BatchAppendReq,
  type BatchAppendResp,
  type Sent,
  type UUID,
} from './wire.js';

const ASSEMBLY_MS = 2_000;

type BatchCall = ServerDuplexStream<BatchAppendReq, BatchAppendResp>;

/** An append whose chunks are still to come. */
interface Assembly {
  readonly correlation: UUID;
  readonly stream: string;
  readonly expected: Expected | undefined;
  readonly events: Proposed[];
  readonly timer: NodeJS.Timeout;
  bytes: number;
  /** It was answered with what is wrong with it. As in the server it is answered once more when its time is up. */
  isRefused: boolean;
}

/** The long call that carries the appends of one client, in chunks, each answered on its own. */
export function batchAppend(server: AppendServer): handleBidiStreamingCall<BatchAppendReq, BatchAppendResp> {
  const { access, faults, book } = server;
  return (call) => {
    const assemblies = new Assemblies(call, server, access.caller(call.metadata));
    faults.open.appends += 1;
    let open = true;
    const closed = () => {
      if (open) faults.open.appends -= 1;
      open = false;
      assemblies.clear();
    };
    call.on('cancelled', closed);
    call.on('error', closed);
    call.on('end', () => {
      closed();
      call.end();
    });
    call.on('data', (request: BatchAppendReq) => {
      const options = request.getOptions();
      const stream = options === undefined ? undefined : streamName(options.getStreamIdentifier());
      book.chunk({ stream, messages: request.getProposedMessagesList().length, isFinal: request.getIsFinal() });
      assemblies.receive(request);
    });
  };
}

/** The appends of one call that have begun and not ended. */
class Assemblies {
  readonly #byId = new Map<string, Assembly>();

  constructor(
    private readonly call: BatchCall,
    private readonly server: AppendServer,
    private readonly caller: Caller,
  ) {}

  receive(request: BatchAppendReq): void {
    const id = uuidText(request.getCorrelationId());
    if (!this.#byId.has(id) && !this.#begins(id, request)) return;
    const assembly = this.#byId.get(id);
    if (assembly === undefined || assembly.isRefused) return;
    const refusal = this.#refusal(assembly, request);
    if (refusal !== undefined) return this.#answer(assembly, refusal);
    const { expected } = assembly;
    if (!request.getIsFinal() || expected === undefined) return;
    this.#forget(id);
    this.#commit(assembly, expected);
  }

  clear(): void {
    for (const id of [...this.#byId.keys()]) this.#forget(id);
  }

  /** Whether a request begins an append; where it may not begin, it is answered. */
  #begins(id: string, request: BatchAppendReq): boolean {
    const [correlation, options] = [request.getCorrelationId(), request.getOptions()];
    if (correlation === undefined || options === undefined) return false;
    const { access, faults } = this.server;
    const stream = streamName(options.getStreamIdentifier());
    const left = (options.getDeadline()?.toDate().getTime() ?? Infinity) - faults.now();
    const refusal =
      access.denial(this.caller, '$w', stream) !== undefined
        ? accessDenied()
        : stream === ''
          ? badRequest('stream_identifier is required')
          : left <= 0
            ? timedOut()
            : undefined;
    if (refusal !== undefined) {
      this.#answer({ correlation, stream }, refusal);
      return false;
    }
    const expected = expectedOf(options, options.hasStreamPosition() ? options.getStreamPosition() : undefined);
    const timedOutAt = () => {
      this.#forget(id);
      this.#answer({ correlation: structuredUuid(id), stream }, timedOut());
    };
    const timer = setTimeout(timedOutAt, Math.min(left, ASSEMBLY_MS));
    this.#byId.set(id, { correlation, stream, expected, timer, events: [], bytes: 0, isRefused: false });
    return true;
  }

  /** Adds what a request brings, and says what is wrong with it, if anything. */
  #refusal(assembly: Assembly, request: BatchAppendReq): Result | undefined {
    const refused = (problem: string) => {
      assembly.isRefused = true;
      return badRequest(problem);
    };
    if (assembly.expected === undefined) return refused('expected_stream_position is required');
    for (const message of request.getProposedMessagesList()) {
      const event = whole(proposedEvent(message));
      if (typeof event === 'string') return refused(event);
      assembly.events.push(event);
      assembly.bytes += appendBytes(event, this.server.behaviour);
      if (assembly.bytes > MAX_APPEND_SIZE) {
        this.#forget(uuidText(assembly.correlation));
        return tooLarge();
      }
    }
    return undefined;
  }

  #commit(assembly: Assembly, expected: Expected): void {
    const { stream, events } = assembly;
    commit(
      this.server,
      { stream, events, expected, headers: this.call.metadata },
      {
        answer: (outcome) => this.#answer(assembly, result(outcome, stream, expected)),
        notReady: () => this.#answer(assembly, notReady()),
        again: () => this.#answer(assembly, timedOut()),
        fail: (error) => void this.call.emit('error', error),
        end: () => void this.call.end(),
      },
    );
  }

  #forget(id: string): void {
    clearTimeout(this.#byId.get(id)?.timer);
    this.#byId.delete(id);
  }

  #answer({ correlation, stream }: Pick<Assembly, 'correlation' | 'stream'>, fill: Result): void {
    const { call } = this;
    if (call.cancelled || call.destroyed || call.writableEnded) return;
    const response = new streams.BatchAppendResp();
    response.setCorrelationId(correlation);
    response.setStreamIdentifier(streamIdentifier(stream));
    fill(response);
    call.write(response);
  }
}

/** An event that can be stored, or what is wrong with it. */
function whole(event: Sent): Proposed | string {
  const { contentType } = event;
  if (event.type === '') return 'type is required';
  if (contentType === undefined) return 'content-type is required';
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(event.id)) return 'id is not a uuid';
  if (/^[0-]+$/.test(event.id)) return 'id is empty';
  return { ...event, contentType };
}
