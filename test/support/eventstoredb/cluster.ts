import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
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
  /** From a leader that goes on after another one was elected to the moment at which it hears of that. */
  readonly unawareMs?: number;
}

/** How long a real cluster took; the last is a guess, since nobody has looked. */
const TIMINGS = { afterKillMs: 1_500, afterFreezeMs: 7_800, unawareMs: 200 };

/**
 * Three nodes with TLS and users, each with a log of its own: what the leader stores, the others that are up have at once, and those that
 * are not once they are back. Who leads is said, not voted on.
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
  /** Those that have ended, and were not started again. */
  readonly ended: readonly StandIn[];
  /** Ends the leader at once. What it has answered is on disk; another node leads after a while. */
  killLeader(): Promise<void>;
  /** Ends a follower at once. */
  killFollower(): Promise<void>;
  /** The leader answers nobody any more. It is missed, and replaced, only after a while. */
  freezeLeader(): void;
  /** A follower answers nobody any more, and falls behind. */
  freezeFollower(): void;
  /**
   * Those that were frozen go on: they follow, if another node leads by now. Where they must truncate, they end instead. Where they are
   * unaware of the new leader, they lead for a moment more, with the log as they had it; if they take anything then, that is what they must
   * truncate.
   */
  thaw(how?: 'follows' | 'truncates' | 'unaware'): Promise<void>;
  /** If the leader is gone or frozen, the next one leads now. */
  failOver(): Promise<void>;
  /** Has a node lead. */
  elect(node: StandIn): void;
  /** Starts a node that has ended where it was, on its data; it follows, if another one leads. */
  restart(node: StandIn): Promise<StandIn>;
  stop(): Promise<void>;
}

export async function startTestCluster(
  directory: string,
  certificate: Certificate,
  users: readonly User[],
  options: ClusterOptions = {},
): Promise<TestCluster> {
  const known = new Users(users);
  const { release = '24.10' } = options;
  const start = async (dataDir: string, port = 0): Promise<Node> => {
    const log = new EventLog({ dataDir });
    const server = await startEventStoreDbStandIn({ port, log, release, secure: { certificate, users: known } });
    return { server, log, dataDir, state: 'up' };
  };
  const nodes: Node[] = [];
  for (const name of ['node-1', 'node-2', 'node-3']) nodes.push(await start(join(directory, name)));
  return new Cluster(nodes, start, certificate, known, { ...TIMINGS, ...options });
}

interface Node {
  readonly server: StandIn;
  readonly log: EventLog;
  readonly dataDir: string;
  state: 'up' | 'frozen' | 'unaware' | 'down';
}

class Cluster implements TestCluster {
  #leader: Node;
  #isElecting = false;
  #election: NodeJS.Timeout | undefined;

  constructor(
    private readonly nodes: Node[],
    private readonly start: (dataDir: string, port: number) => Promise<Node>,
    private readonly certificate: Certificate,
    readonly users: Users,
    private readonly timings: typeof TIMINGS,
  ) {
    this.#leader = nodes.at(-1) as Node;
    this.#lead(this.#leader);
  }

  connectionStringOf({ name, password }: User): string {
    const ports = [...this.#followers, this.#leader].map(({ server }) => server.port);
    const hosts = ports.map((port) => `127.0.0.1:${port}`).join(',');
    const user = `${encodeURIComponent(name)}:${encodeURIComponent(password)}`;
    return `esdb://${user}@${hosts}?tlsCAFile=${encodeURIComponent(this.certificate.caFile)}`;
  }

  get leader(): StandIn {
    return this.#leader.server;
  }

  get follower(): StandIn {
    return this.#follower.server;
  }

  get ended(): readonly StandIn[] {
    return this.nodes.filter(({ state }) => state === 'down').map(({ server }) => server);
  }

  async killLeader(): Promise<void> {
    this.#isElecting = true;
    this.#electAfter(this.timings.afterKillMs);
    await this.#kill(this.#leader);
  }

  killFollower(): Promise<void> {
    return this.#kill(this.#follower);
  }

  freezeLeader(): void {
    this.#freeze(this.#leader);
    this.#electAfter(this.timings.afterFreezeMs);
  }

  freezeFollower(): void {
    this.#freeze(this.#follower);
  }

  async thaw(how: 'follows' | 'truncates' | 'unaware' = 'follows'): Promise<void> {
    for (const node of this.nodes.filter(({ state }) => state === 'frozen')) {
      if (node === this.#leader) clearTimeout(this.#election);
      if (how === 'truncates') await this.#kill(node);
      else if (how === 'unaware' && node !== this.#leader) await this.#wake(node);
      else this.#goOn(node);
    }
  }

  async failOver(): Promise<void> {
    if (this.#leader.state !== 'up') this.#lead(this.#follower);
  }

  elect(server: StandIn): void {
    this.#lead(this.#nodeOf(server));
  }

  async restart(server: StandIn): Promise<StandIn> {
    const node = this.#nodeOf(server);
    node.log.follow(undefined);
    node.log.close();
    const started = await this.start(node.dataDir, server.port);
    this.nodes[this.nodes.indexOf(node)] = started;
    if (node === this.#leader) this.#lead(started);
    else this.#tell();
    return started.server;
  }

  async stop(): Promise<void> {
    clearTimeout(this.#election);
    await Promise.all(this.nodes.map(({ server }) => server.stop()));
    for (const { log } of this.nodes) log.close();
  }

  get #followers(): readonly Node[] {
    return this.nodes.filter((node) => node !== this.#leader);
  }

  get #follower(): Node {
    return (this.#followers.find(({ state }) => state === 'up') ?? this.#followers[0]) as Node;
  }

  #nodeOf(server: StandIn): Node {
    return this.nodes.find((node) => node.server === server) as Node;
  }

  async #kill(node: Node): Promise<void> {
    node.state = 'down';
    this.#tell();
    await node.server.stop();
  }

  #freeze(node: Node): void {
    node.state = 'frozen';
    node.server.faults.freeze();
    this.#tell();
  }

  #goOn(node: Node): void {
    node.state = 'up';
    this.#tell();
    node.server.faults.thaw();
  }

  /** A leader of before goes on and hears only after a moment that it leads no more. */
  async #wake(node: Node): Promise<void> {
    const { faults } = node.server;
    node.state = 'unaware';
    faults.leader = undefined;
    faults.isCutOff = true;
    faults.members = this.nodes.map((each) => this.#member(each, node));
    this.#tell();
    faults.thaw();
    await pause(this.timings.unawareMs);
    faults.isCutOff = false;
    if (faults.unreplicated > 0) await this.#kill(node);
    else this.#goOn(node);
  }

  #lead(node: Node): void {
    clearTimeout(this.#election);
    this.#leader = node;
    this.#isElecting = false;
    this.#tell();
  }

  #electAfter(ms: number): void {
    clearTimeout(this.#election);
    this.#election = setTimeout(() => void this.failOver(), ms);
  }

  /** Lets every node that hears of it know who leads, whose log to follow, and what to say of the others. */
  #tell(): void {
    const leader = this.#leader;
    const members = this.nodes.map((node) => this.#member(node, leader));
    const elsewhere = { address: '127.0.0.1', port: leader.server.port };
    for (const node of this.nodes) {
      const { log, state, server } = node;
      const isCurrent = state === 'up' && leader.state !== 'down';
      log.follow(node !== leader && isCurrent ? leader.log : undefined);
      if (state === 'unaware') continue;
      server.faults.members = members;
      server.faults.leader = node === leader ? undefined : this.#isElecting ? 'nobody' : elsewhere;
      server.faults.forwards = leader.state === 'up';
    }
  }

  // A node that is frozen is missed only when the next one leads.
  #member({ server, state }: Node, leader: Node): Member {
    const isLeader = server === leader.server;
    const isAlive = state === 'up' || state === 'unaware' || (state === 'frozen' && isLeader);
    const role = isLeader ? 'Leader' : 'Follower';
    return { address: '127.0.0.1', port: server.port, state: this.#isElecting ? 'Unknown' : role, isAlive };
  }
}
