import { Server, ServerCredentials, type handleUnaryCall } from '@grpc/grpc-js';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { Access } from './access.js';
import { batchAppend } from './batch-append.js';
import { CallBook } from './call-book.js';
import type { Certificate } from './certificate.js';
import { softDelete, tombstone } from './delete-calls.js';
import { EventLog } from './event-log.js';
import { FaultBoard, type Faults } from './faults.js';
import { gate } from './gate.js';
import { tellMembers } from './gossip.js';
import { Line } from './line.js';
import { read } from './read-calls.js';
import { RELEASES, type Behaviour, type Release } from './releases.js';
import { append } from './single-append.js';
import { Users, type User } from './users.js';
import {
  code,
  failure,
  features,
  GossipService,
  ServerFeaturesService,
  StreamsService,
  type EmptyRequest,
} from './wire.js';

export type { AppendFault, Faults, Member } from './faults.js';
export type { Release } from './releases.js';
export { Users, type User } from './users.js';

export interface StandInOptions {
  /** 0 or nothing for a free one; a fixed one to come back where a client looks for it. */
  readonly port?: number;
  /** Where the log is kept; without it, the log ends with the stand-in. */
  readonly dataDir?: string;
  /** A log that somebody else opened and closes: that of a node of a cluster, which follows another one. */
  readonly log?: EventLog;
  /** Which release to be; 24.10 when nothing is said. */
  readonly release?: Release;
  /** With these it speaks TLS, asks who calls, and enforces rights; without, it is an insecure server. */
  readonly secure?: { readonly certificate: Certificate; readonly users: readonly User[] | Users };
}

export interface StandIn {
  /** Without credentials. */
  readonly connectionString: string;
  /** With the credentials of one of its users. */
  connectionStringOf(user: User): string;
  readonly port: number;
  readonly faults: Faults;
  /** Whom it knows, to be changed while it runs. Nobody, without TLS. */
  readonly users: Users;
  /** What it has been asked of late. */
  readonly book: CallBook;
  /** Takes off the log what is hidden or deleted, as an operator would have the server do. */
  scavenge(): void;
  /** Breaks every connection at once and lets go of port and file. What was answered is on disk, if there is one. */
  stop(): Promise<void>;
}

const METHODS = ['read', 'append', 'delete', 'tombstone', 'batchappend'];

/**
 * Starts a server on loopback that speaks EventStoreDB's gRPC as far as the README beside this file says. For tests only.
 */
export async function startEventStoreDbStandIn(options: StandInOptions = {}): Promise<StandIn> {
  const { release = '24.10', secure, dataDir } = options;
  const behaviour = RELEASES[release];
  const faults = new FaultBoard(() => void stop());
  const log = options.log ?? new EventLog({ dataDir, now: () => faults.now() });
  const users = secure?.users instanceof Users ? secure.users : new Users(secure?.users);
  const access = new Access(log, secure && users, behaviour);
  const book = new CallBook();
  const listener = createServer();
  const address = () => ({ address: '127.0.0.1', port: (listener.address() as AddressInfo).port });

  const server = new Server({
    'grpc.max_receive_message_length': 16 * 1024 * 1024 - 10_000,
    interceptors: [gate(access, faults, book)],
  });
  const appends = { log, access, faults, book, behaviour };
  server.addService(StreamsService, {
    read: read(log, access, faults, behaviour),
    append: append(appends),
    delete: softDelete(log, access),
    tombstone: tombstone(log, access),
    batchAppend: batchAppend(appends),
  });
  server.addService(ServerFeaturesService, { getSupportedMethods: supportedMethods(faults, behaviour) });
  server.addService(GossipService, { read: tellMembers(faults, address) });

  // It accepts the connections itself, so that it can break them under the calls.
  const injector = server.createConnectionInjector(credentialsOf(secure?.certificate));
  listener.on('connection', (socket: Socket) => {
    const line = new Line(socket);
    socket.once('close', faults.connected(line));
    if (!line.destroyed) injector.injectConnection(line);
  });
  await new Promise<void>((resolve, reject) => {
    listener.once('error', reject);
    listener.listen(options.port ?? 0, '127.0.0.1', resolve);
  });

  let stopped: Promise<void> | undefined;
  const end = async () => {
    const closed = new Promise((resolve) => listener.close(resolve));
    faults.cutConnections();
    await closed;
    // Sessions end with their connections; one that is ended while its connection is being torn down throws inside Node.
    await nextTurn();
    server.forceShutdown();
    if (options.log === undefined) log.close();
  };
  const stop = () => (stopped ??= end());
  const { port } = address();
  const tls = secure === undefined ? 'tls=false' : `tlsCAFile=${encodeURIComponent(secure.certificate.caFile)}`;
  return {
    connectionString: `esdb://127.0.0.1:${port}?${tls}`,
    connectionStringOf: ({ name, password }) =>
      `esdb://${encodeURIComponent(name)}:${encodeURIComponent(password)}@127.0.0.1:${port}?${tls}`,
    port,
    faults,
    users,
    book,
    scavenge: () => log.scavenge(),
    stop,
  };
}

function credentialsOf(certificate: Certificate | undefined): ServerCredentials {
  if (certificate === undefined) return ServerCredentials.createInsecure();
  const pair = { cert_chain: Buffer.from(certificate.certificate), private_key: Buffer.from(certificate.privateKey) };
  return ServerCredentials.createSsl(null, [pair]);
}

function supportedMethods(
  faults: FaultBoard,
  behaviour: Behaviour,
): handleUnaryCall<EmptyRequest, InstanceType<typeof features.SupportedMethods>> {
  return (_, callback) => {
    if (faults.features === 'silence') return;
    if (faults.features === 'unimplemented') return callback(failure(code.UNIMPLEMENTED, ''));
    if (faults.features === 'unknown') return callback(failure(code.UNKNOWN, 'the stand-in has no answer'));
    const answer = new features.SupportedMethods();
    answer.setEventStoreServerVersion(behaviour.version);
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
