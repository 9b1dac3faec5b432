import { execFile } from 'node:child_process';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePorts } from '../free-port.js';
import { GuardedServer } from '../guarded-server.js';
import { mavenJars } from '../maven-jars.js';
import { serves } from './kafka-ready.js';
import type { KafkaProcess } from './kafka-server.js';

const READY_LIMIT_MS = 90_000;
// The quickest start: a small heap, the simple collector, and the first compiler only.
const JVM = ['-Xms128m', '-Xmx384m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Xshare:auto'];
// Any fixed id will do: a cluster of one that lives as long as a test run.
const CLUSTER_ID = 'c2lqaWxsLXRlc3RzLWthZg';

/**
 * Starts a broker from its jars: one process that is broker and KRaft controller, on free loopback ports, with its data
 * in a temporary directory.
 *
 * @throws ServerNotFound when Java, Maven or the jars are missing
 */
export async function startJavaKafka(): Promise<KafkaProcess> {
  const libs = await mavenJars({ what: 'Kafka', folder: import.meta.dirname });
  const directory = await mkdtemp(join(tmpdir(), 'sijill-kafka-'));
  // From here on the guardian answers for the directory, whatever happens to us.
  const server = new GuardedServer({ stopSignal: 'SIGTERM', directories: [directory] });
  try {
    const [port = 0, controllerPort = 0] = await freePorts(2);
    const properties = join(directory, 'server.properties');
    await writeFile(properties, serverProperties(port, controllerPort, join(directory, 'data')));
    const java = [...JVM, ...logging, '-cp', join(libs, '*')];
    const format = ['kafka.tools.StorageTool', 'format', '--cluster-id', CLUSTER_ID, '--config', properties];
    await promisify(execFile)('java', [...java, ...format]);
    await server.start({
      command: 'java',
      args: [...java, 'kafka.Kafka', properties],
      log: join(directory, 'kafka.log'),
    });
    const brokers = [`127.0.0.1:${port}`];
    await server.untilReady(() => serves(brokers), READY_LIMIT_MS);
    return {
      brokers,
      source: 'java',
      stop: () => server.stop(),
      kill: () => server.kill('SIGKILL'),
      freeze: () => server.signal('SIGSTOP'),
      thaw: () => server.signal('SIGCONT'),
      logTail: () => server.logTail(),
      restart: async () => {
        await server.restart();
        await server.untilReady(() => serves(brokers), READY_LIMIT_MS);
      },
    };
  } catch (error) {
    await server.stop();
    throw error;
  }
}

const logging = [
  '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn',
  '-Dorg.slf4j.simpleLogger.showDateTime=true',
  '-Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS',
];

function serverProperties(port: number, controllerPort: number, data: string): string {
  return Object.entries({
    'process.roles': 'broker,controller',
    'node.id': 1,
    'controller.quorum.voters': `1@127.0.0.1:${controllerPort}`,
    'controller.listener.names': 'CONTROLLER',
    listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${port}`,
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'log.dirs': data,
    'num.partitions': 1,
    'offsets.topic.num.partitions': 1,
    'offsets.topic.replication.factor': 1,
    'transaction.state.log.num.partitions': 1,
    'transaction.state.log.replication.factor': 1,
    'transaction.state.log.min.isr': 1,
    'share.coordinator.state.topic.num.partitions': 1,
    'share.coordinator.state.topic.replication.factor': 1,
    'share.coordinator.state.topic.min.isr': 1,
    // A group of one consumer need not wait for others to join.
    'group.initial.rebalance.delay.ms': 0,
    // After a crash the controller takes the broker back only when its old session has run out.
    'broker.session.timeout.ms': 3_000,
    'broker.heartbeat.interval.ms': 500,
    // Pre-allocated index files would take 20 MB for each partition.
    'log.index.size.max.bytes': 65_536,
    'log.cleaner.dedupe.buffer.size': 2_097_152,
    // What can be compacted soon is.
    'log.cleaner.backoff.ms': 500,
    'num.network.threads': 2,
    'num.io.threads': 4,
  })
    .map(([key, value]) => `${key}=${value}\n`)
    .join('');
}
