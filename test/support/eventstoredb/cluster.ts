import { join } from 'node:path';
import type { Certificate } from './certificate.js';
import { EventLog } from './event-log.js';
import type { Member } from './faults.js';
import { startEventStoreDbStandIn, type Release, type StandIn } from './stand-in.js';
import { Users, type User } from './users.js';

export interface ClusterOptions {
  readonly release?: Release;
  /** From the end of a leader to the next one. */
  readonly afterKillMs?: number;
  /** From a leader that no longer answers to the next one. */
  readonly afterFreezeMs?: number;
}

/** How long a real cluster took. */
const OBSERVED = { afterKillMs: 1_500, afterFreezeMs: 7_800 };

/**
 * Three nodes with TLS and users, and one log among them: what one of them stores, all of them have at once. Who leads is
 * said, not voted on.
 */
export interface TestCluster {
  /** All nodes, the one that leads last, with a user's credentials. */
  connectionStringOf(user: User): string;
  /** Whom its nodes know. */
  readonly users: Users;
  /** The node that leads, or led last. */
  readonly leader: StandIn;
  /** A node that follows. */
  readonly follower: StandIn;
  /** Ends the leader at once. What it has answered is on disk; another node leads after a while. */
  killLeader(): Promise<void>;
  /** The leader answers nobody any more. It is missed, and replaced, only after a while. */
  freezeLeader(): void;
  /** Those that were frozen go on: they follow, if another node leads by now. Where they must truncate, they end instead. */
  thaw(how?: 'follows' | 'truncates'): Promise<void>;
  /** If the leader is gone or frozen, the next one leads now. */
  failOver(): Promise<void>;
  /** Has a node lead. */
  elect(node: StandIn): void;
  /** Starts a node that has ended where it was; it follows, if another one leads. */
  restart(node: StandIn): Promise<StandIn>;
  stop(): Promise<void>;
}

export async function startTestCluster(
  directory: string,
  certificate: Certificate,
  users: readonly User[],
  options: ClusterOptions = {},
): Promise<TestCluster> {
  const log = new EventLog({ dataDir: join(directory, 'log') });
  const known = new Users(users);
  const { release = '24.10' } = options;
  const start = (port = 0) => startEventStoreDbStandIn({ port, log, release, secure: { certificate, users: known } });
  const nodes = [await start(), await start(), await start()];
  return new Cluster(nodes, start, log, certificate, known, { ...OBSERVED, ...options });
}

type State = 'up' | 'frozen' | 'down';

class Cluster implements TestCluster {
  readonly #states = new Map<number, State>();
  #leader: StandIn;
  #isElecting = false;
  #election: NodeJS.Timeout | undefined;

  constructor(
    private readonly nodes: StandIn[],
    private readonly start: (port: number) => Promise<StandIn>,
    private readonly log: EventLog,
    private readonly certificate: Certificate,
    readonly users: Users,
    private readonly timings: typeof OBSERVED,
  ) {
    this.#leader = nodes.at(-1) as StandIn;
    this.elect(this.#leader);
  }

  connectionStringOf({ name, password }: User): string {
    const ports = [...this.nodes.filter((node) => node !== this.#leader), this.#leader].map(({ port }) => port);
    const hosts = ports.map((port) => `127.0.0.1:${port}`).join(',');
    const user = `${encodeURIComponent(name)}:${encodeURIComponent(password)}`;
    return `esdb://${user}@${hosts}?tlsCAFile=${encodeURIComponent(this.certificate.caFile)}`;
  }

  get leader(): StandIn {
    return this.#leader;
  }

  get follower(): StandIn {
    const others = this.nodes.filter((node) => node !== this.#leader);
    return (others.find((node) => this.#stateOf(node) === 'up') ?? others[0]) as StandIn;
  }

  async killLeader(): Promise<void> {
    this.#states.set(this.#leader.port, 'down');
    this.#isElecting = true;
    this.#tell();
    this.#electAfter(this.timings.afterKillMs);
    await this.#leader.stop();
  }

  freezeLeader(): void {
    this.#states.set(this.#leader.port, 'frozen');
    this.#leader.faults.freeze();
    this.#tell();
    this.#electAfter(this.timings.afterFreezeMs);
  }

  async thaw(how: 'follows' | 'truncates' = 'follows'): Promise<void> {
    for (const node of this.nodes.filter((one) => this.#stateOf(one) === 'frozen')) {
      this.#states.set(node.port, how === 'follows' ? 'up' : 'down');
      if (node === this.#leader) clearTimeout(this.#election);
      this.#tell();
      if (how === 'truncates') await node.stop();
      else node.faults.thaw();
    }
  }

  async failOver(): Promise<void> {
    if (this.#stateOf(this.#leader) !== 'up') this.elect(this.follower);
  }

  elect(node: StandIn): void {
    clearTimeout(this.#election);
    this.#leader = node;
    this.#isElecting = false;
    this.#tell();
  }

  async restart(node: StandIn): Promise<StandIn> {
    const started = await this.start(node.port);
    this.nodes[this.nodes.indexOf(node)] = started;
    this.#states.delete(node.port);
    if (node === this.#leader) this.elect(started);
    else this.#tell();
    return started;
  }

  async stop(): Promise<void> {
    clearTimeout(this.#election);
    await Promise.all(this.nodes.map((node) => node.stop()));
    this.log.close();
  }

  #stateOf(node: StandIn): State {
    return this.#states.get(node.port) ?? 'up';
  }

  #electAfter(ms: number): void {
    clearTimeout(this.#election);
    this.#election = setTimeout(() => void this.failOver(), ms);
  }

  /** Lets every node know who leads, and what to say of the others. */
  #tell(): void {
    const { port } = this.#leader;
    const members = this.nodes.map((node) => this.#member(node));
    for (const node of this.nodes) {
      node.faults.members = members;
      node.faults.leader =
        node === this.#leader ? undefined : this.#isElecting ? 'nobody' : { address: '127.0.0.1', port };
      node.faults.forwards = this.#stateOf(this.#leader) === 'up';
    }
  }

  // A node that is frozen is missed only when the next one leads.
  #member(node: StandIn): Member {
    const state = this.#stateOf(node);
    const isAlive = state === 'up' || (state === 'frozen' && node === this.#leader);
    const role = node === this.#leader ? 'Leader' : 'Follower';
    return { address: '127.0.0.1', port: node.port, state: this.#isElecting ? 'Unknown' : role, isAlive };
  }
}
