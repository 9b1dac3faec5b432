import { join } from 'node:path';
import type { Certificate } from './certificate.js';
import { startEventStoreDbStandIn, type StandIn } from './stand-in.js';
import type { User } from './users.js';

/** Two nodes with TLS and users. One leads and has the log; the other takes both over when it is told to. */
export interface TestCluster {
  /** Both nodes, the one that leads last, with a user's credentials. */
  connectionStringOf(user: User): string;
  readonly leader: StandIn;
  readonly follower: StandIn;
  /** Ends the leader at once. What it has answered is on disk. */
  killLeader(): Promise<void>;
  /** The other node has the log of the first, and leads. */
  failOver(): Promise<void>;
  stop(): Promise<void>;
}

export async function startTestCluster(
  directory: string,
  certificate: Certificate,
  users: readonly User[],
): Promise<TestCluster> {
  const secure = { certificate, users };
  const dataDir = join(directory, 'log');
  let leader = await startEventStoreDbStandIn({ secure, dataDir });
  let follower = await startEventStoreDbStandIn({ secure });
  const ports = [follower.port, leader.port];
  const tell = (leads: number, alive: readonly number[]): void => {
    const members = ports.map((port) => ({
      address: '127.0.0.1',
      port,
      state: port === leads ? ('Leader' as const) : ('Follower' as const),
      isAlive: alive.includes(port),
    }));
    for (const node of [leader, follower]) node.faults.members = members;
  };
  tell(leader.port, ports);
  return {
    connectionStringOf: ({ name, password }) => {
      const hosts = ports.map((port) => `127.0.0.1:${port}`).join(',');
      const user = `${encodeURIComponent(name)}:${encodeURIComponent(password)}`;
      return `esdb://${user}@${hosts}?tlsCAFile=${encodeURIComponent(certificate.caFile)}`;
    },
    get leader() {
      return leader;
    },
    get follower() {
      return follower;
    },
    killLeader: () => leader.stop(),
    failOver: async () => {
      await Promise.all([leader.stop(), follower.stop()]);
      leader = follower = await startEventStoreDbStandIn({ secure, dataDir, port: follower.port });
      tell(leader.port, [leader.port]);
    },
    stop: async () => {
      await Promise.all([leader.stop(), follower.stop()]);
    },
  };
}
