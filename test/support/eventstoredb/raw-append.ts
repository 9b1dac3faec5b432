import streamsGrpc from '@eventstore/db-client/generated/streams_grpc_pb.js';
import { credentials } from '@grpc/grpc-js';
import timestamp from 'google-protobuf/google/protobuf/timestamp_pb.js';
import {
  empty,
  shared,
  streamIdentifier,
  streams,
  uuidText,
  type BatchAppendReq,
  type BatchAppendResp,
} from './wire.js';

/** A request of a batch append as no client of today sends it. */
export interface RawAppend {
  readonly id?: string;
  /** Whether the options say which revision is expected: any. */
  readonly expects?: boolean;
  readonly properties?: Readonly<Record<string, string>>;
  readonly isFinal?: boolean;
  readonly deadline?: Date;
}

/** One answer, and how long after its question it came. */
export interface RawAnswer {
  readonly message: string | undefined;
  readonly afterMs: number;
}

/** A batch call by hand, for what the official client never sends. */
export class RawAppends {
  readonly #stub: InstanceType<typeof streamsGrpc.StreamsClient>;
  readonly #call: ReturnType<InstanceType<typeof streamsGrpc.StreamsClient>['batchAppend']>;
  readonly #asked = new Map<string, { at: number; answers: RawAnswer[] }>();

  constructor(port: number) {
    this.#stub = new streamsGrpc.StreamsClient(`127.0.0.1:${port}`, credentials.createInsecure());
    this.#call = this.#stub.batchAppend();
    this.#call.on('error', () => undefined);
    this.#call.on('data', (answer: BatchAppendResp) => {
      const asked = this.#asked.get(uuidText(answer.getCorrelationId()));
      const message = answer.hasSuccess() ? 'success' : answer.getError()?.getMessage();
      asked?.answers.push({ message, afterMs: performance.now() - asked.at });
    });
  }

  /** The answers to it, as they come. */
  send(stream: string, append: RawAppend): readonly RawAnswer[] {
    const id = crypto.randomUUID();
    const asked = { at: performance.now(), answers: [] };
    this.#asked.set(id, asked);
    this.#call.write(request(stream, id, append));
    return asked.answers;
  }

  close(): void {
    this.#call.cancel();
    this.#stub.close();
  }
}

const WHOLE = { type: 'tested', 'content-type': 'application/json' };

function request(stream: string, correlation: string, append: RawAppend): BatchAppendReq {
  const { id = correlation, expects = true, properties = WHOLE, isFinal = true, deadline } = append;
  const options = new streams.BatchAppendReq.Options();
  options.setStreamIdentifier(streamIdentifier(stream));
  if (expects) options.setAny(new empty.Empty());
  if (deadline !== undefined) options.setDeadline(timestamp.Timestamp.fromDate(deadline));
  const message = new streams.BatchAppendReq.ProposedMessage();
  message.setId(uuid(id));
  for (const [key, value] of Object.entries(properties)) message.getMetadataMap().set(key, value);
  message.setData(new Uint8Array(Buffer.from('{}')));
  const made = new streams.BatchAppendReq();
  made.setCorrelationId(uuid(correlation));
  made.setOptions(options);
  made.setProposedMessagesList([message]);
  made.setIsFinal(isFinal);
  return made;
}

function uuid(text: string): InstanceType<typeof shared.UUID> {
  const made = new shared.UUID();
  made.setString(text);
  return made;
}
