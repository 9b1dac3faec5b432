import { Server, ServerCredentials, type handleUnaryCall } from '@grpc/grpc-js';
import { append, batchAppend } from './append-calls.js';
import { softDelete, tombstone } from './delete-calls.js';
import { EventLog } from './event-log.js';
import { FaultBoard, type Faults } from './faults.js';
import { read } from './read-calls.js';
import { code, failure, features, ServerFeaturesService, shared, StreamsService } from './wire.js';

export type { AppendFault, Faults } from './faults.js';

export interface StandIn {
  readonly connectionString: string;
  readonly port: number;
  readonly faults: Faults;
  /** Breaks every connection at once and lets go of port and file. What was answered is on disk, if there is one. */
  stop(): Promise<void>;
}

const METHODS = ['read', 'append', 'delete', 'tombstone', 'batchappend'];

/**
 * Starts a server on loopback that speaks EventStoreDB's gRPC as release 24.10 does, as far as the README beside this file
 * says. For tests only: it keeps everything in memory.
 *
 * @param options.port    0 or nothing for a free one; a fixed one to come back where a client looks for it
 * @param options.dataDir where the log is kept; without it, the log ends with the stand-in
 */
export async function startEventStoreDbStandIn(options: { port?: number; dataDir?: string } = {}): Promise<StandIn> {
  const log = new EventLog(options.dataDir);
  const faults = new FaultBoard();
  const server = new Server({ 'grpc.max_receive_message_length': 16 * 1024 * 1024 - 10_000 });
  server.addService(StreamsService, {
    read: read(log, faults),
    append: append(log),
    delete: softDelete(log),
    tombstone: tombstone(log),
    batchAppend: batchAppend(log, faults),
  });
  server.addService(ServerFeaturesService, { getSupportedMethods: supportedMethods(faults) });
  const port = await new Promise<number>((resolve, reject) => {
    const address = `127.0.0.1:${options.port ?? 0}`;
    server.bindAsync(address, ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  return {
    connectionString: `esdb://127.0.0.1:${port}?tls=false`,
    port,
    faults,
    stop: async () => {
      server.forceShutdown();
      log.close();
    },
  };
}

function supportedMethods(
  faults: FaultBoard,
): handleUnaryCall<InstanceType<typeof shared.Empty>, InstanceType<typeof features.SupportedMethods>> {
  return (_, callback) => {
    if (faults.features === 'silence') return;
    if (faults.features === 'unimplemented') return callback(failure(code.UNIMPLEMENTED, ''));
    if (faults.features === 'unknown') return callback(failure(code.UNKNOWN, 'the stand-in has no answer'));
    const answer = new features.SupportedMethods();
    answer.setEventStoreServerVersion('24.10.4');
    for (const name of METHODS) {
      const method = new features.SupportedMethod();
      method.setServiceName('event_store.client.streams.streams');
      method.setMethodName(name);
      if (name === 'read') method.setFeaturesList(['position', 'events']);
      if (name === 'batchappend') method.setFeaturesList(['deadline_duration']);
      answer.addMethods(method);
    }
    callback(null, answer);
  };
}
