import type { KafkaMessage } from 'kafkajs';
import type { Chance } from './chance.js';

/** The process in which a client runs, as the broker sees it. */
export interface Peer {
  readonly name: string;
  readonly dead: boolean;
  /** Until when nothing comes from it or reaches it: it is stopped, or cut off. */
  readonly silentUntil: number;
}

export interface Message {
  readonly value: Buffer | null;
  readonly headers: Record<string, Buffer>;
  /** When it was produced, in milliseconds. */
  readonly timestamp: number;
}

type Listener = (event: { payload: Record<string, unknown> }) => void;
type EachBatch = (payload: unknown) => Promise<void>;

const EVENTS = {
  GROUP_JOIN: 'group_join',
  REBALANCING: 'rebalancing',
  CRASH: 'crash',
  FETCH: 'fetch',
  HEARTBEAT: 'heartbeat',
  CONNECT: 'connect',
} as const;

/** How long after a process has fallen silent the group goes on without it. */
export const SESSION_MS = 10_000;
const HEARTBEAT_MS = 3_000;
const REMAKING_MS = 5_100;
/** The generation of one that has asked to be let in and was not yet. */
const ASKED = -1;

/** Brokers by address, and from which process they are called. */
const addresses = new Map<string, { broker: Broker; peer: Peer }>();

/** One topic and one group: partitions, who reads them, and how often that changes. */
export class Broker {
  partitions: Message[][];
  /** Of the cluster that the topic is in. */
  cluster = 'cluster-1';
  /** How often the topic was made anew. */
  remakes = 0;
  /** Until when there is nothing to read. */
  private quietUntil = 0;
  readonly committed = new Map<number, number>();
  private members: Consumer[] = [];
  private generation = 0;
  /** Of each delivery, that it begins before the asked offset, as a compressed batch does. */
  repeats = 0;

  constructor(
    readonly topic: string,
    partitions: number,
    readonly chance: Chance,
    readonly note: (line: string) => void,
  ) {
    this.partitions = Array.from({ length: partitions }, () => []);
  }

  /**
   * The topic is deleted and made anew under its name, or another cluster takes the place of this one. Whoever reads finds no such
   * topic the next time it asks, looks again, and joins anew; what it has fetched it still works on. The group's offsets stay.
   *
   * @param unnoticed it is there again before anybody asks: whoever reads goes on at the offset where it was
   */
  remake(partitions: Message[][], cluster: string, unnoticed: boolean): void {
    this.note(
      `${cluster === this.cluster ? 'topic made anew' : `cluster ${cluster}`}: ${partitions.map((log) => log.length).join(' ')}`,
    );
    this.partitions = partitions;
    this.cluster = cluster;
    if (unnoticed) this.quietUntil = Date.now() + REMAKING_MS;
    else this.remakes += 1;
  }

  /** For how long there is nothing to read yet. */
  quiet(): number {
    return Math.max(0, this.quietUntil - Date.now());
  }

  /** The address under which a process finds this broker. */
  addressFor(peer: Peer): string {
    addresses.set(`${peer.name}:9092`, { broker: this, peer });
    return `${peer.name}:9092`;
  }

  static at(address: string): { broker: Broker; peer: Peer } {
    return addresses.get(address)!;
  }

  join(consumer: Consumer): void {
    // One that has died since it asked for a connection does not come any more.
    if (consumer.peer.dead) return;
    if (!this.members.includes(consumer)) this.members.push(consumer);
    this.rebalance();
  }

  leave(consumer: Consumer): void {
    if (!this.members.includes(consumer)) return;
    this.members = this.members.filter((member) => member !== consumer);
    this.rebalance();
  }

  /** Nobody hears of it but the others: whoever was taken for dead finds out later. */
  expireSilent(): void {
    const now = Date.now();
    const gone = this.members.filter(({ peer }) => peer.dead || peer.silentUntil > now);
    if (gone.length === 0) return;
    this.note(`session over: ${gone.map(({ peer }) => peer.name).join(' ')}`);
    this.members = this.members.filter((member) => !gone.includes(member));
    this.rebalance();
  }

  /** Gives the partitions out anew; each member hears of it in its own time, and reads on as before until then. */
  rebalance(): void {
    const generation = ++this.generation;
    const first = this.chance.between(0, this.members.length);
    this.members.forEach((member, i) => {
      const mine = this.partitions.map((_, p) => p).filter((p) => (p + first) % this.members.length === i);
      setTimeout(() => member.rejoin(generation, mine), this.chance.delay(2_000) + silence(member.peer));
    });
  }

  knows(consumer: Consumer): boolean {
    return this.members.includes(consumer);
  }

  isCurrent(consumer: Consumer, generation: number): boolean {
    return generation === this.generation && this.knows(consumer);
  }
}

/** The client in the place of kafkajs's, as far as the intake uses it. */
export class SimulatedKafka {
  private readonly place: { broker: Broker; peer: Peer };

  constructor(config: { brokers: string[] }) {
    this.place = Broker.at(config.brokers[0]!);
  }

  consumer(): Consumer {
    return new Consumer(this.place.broker, this.place.peer);
  }

  admin(): object {
    const { broker, peer } = this.place;
    return {
      connect: async () => undefined,
      disconnect: async () => undefined,
      describeCluster: async () => {
        await broker.chance.wait(broker.chance.between(1, 5) + silence(peer));
        return { clusterId: broker.cluster };
      },
      fetchTopicOffsets: async () => {
        await broker.chance.wait(broker.chance.between(1, 5) + silence(peer));
        return broker.partitions.map((log, partition) => ({
          partition,
          low: '0',
          high: String(log.length),
          offset: String(log.length),
        }));
      },
    };
  }
}

class Consumer {
  readonly events = EVENTS;
  private readonly listeners = new Map<string, Listener[]>();
  private readonly positions = new Map<number, number>();
  private readonly sought = new Map<number, number>();
  private readonly paused = new Set<number>();
  private generation = 0;
  private running = false;
  private eachBatch: EachBatch = async () => undefined;
  private beat: NodeJS.Timeout | undefined;

  constructor(
    private readonly broker: Broker,
    readonly peer: Peer,
  ) {}

  on(event: string, listener: Listener): void {
    this.listeners.set(event, [...(this.listeners.get(event) ?? []), listener]);
  }

  async connect(): Promise<void> {
    await this.broker.chance.wait(1 + silence(this.peer));
    this.emit(EVENTS.CONNECT);
  }

  async subscribe(): Promise<void> {}

  async run({ eachBatch }: { eachBatch: EachBatch }): Promise<void> {
    this.eachBatch = eachBatch;
    this.running = true;
    this.beat = setInterval(() => this.heartbeat().catch(() => undefined), HEARTBEAT_MS);
    this.broker.join(this);
  }

  seek({ partition, offset }: { partition: number; offset: string }): void {
    this.note(`seeks ${partition}/${offset}`);
    this.sought.set(partition, Number(offset));
  }

  pause([{ partitions }]: [{ partitions: number[] }]): void {
    this.note(`pauses ${partitions.join(' ')}`);
    for (const partition of partitions) this.paused.add(partition);
  }

  resume([{ partitions }]: [{ partitions: number[] }]): void {
    for (const partition of partitions) this.paused.delete(partition);
  }

  async commitOffsets(offsets: { partition: number; offset: string }[]): Promise<void> {
    if (this.peer.dead) return;
    for (const { partition, offset } of offsets) this.broker.committed.set(partition, Number(offset));
  }

  async disconnect(): Promise<void> {
    this.running = false;
    clearInterval(this.beat);
    // One that was killed says no farewell.
    if (!this.peer.dead) this.broker.leave(this);
  }

  /** A new assignment has come. What was fetched before may still be worked on. */
  rejoin(generation: number, partitions: number[]): void {
    if (!this.running || this.peer.dead || !this.broker.isCurrent(this, generation)) return;
    this.note(`takes up ${partitions.join(' ')}`);
    this.emit(EVENTS.REBALANCING);
    this.generation = generation;
    this.positions.clear();
    this.sought.clear();
    for (const partition of partitions) this.positions.set(partition, this.broker.committed.get(partition) ?? 0);
    const memberAssignment = { [this.broker.topic]: partitions };
    this.emit(EVENTS.GROUP_JOIN, { memberAssignment });
    for (const partition of partitions) void this.read(partition, generation);
  }

  private async read(partition: number, generation: number): Promise<void> {
    const { chance, remakes } = this.broker;
    const mine = (): boolean => this.running && !this.peer.dead && this.generation === generation;
    for (;;) {
      await chance.wait(chance.delay(500) + silence(this.peer));
      await chance.wait(this.broker.quiet());
      if (!mine()) return;
      if (this.broker.remakes !== remakes) {
        // Once for all its partitions: the others find another generation.
        this.generation = ASKED;
        return this.broker.join(this);
      }
      const sought = this.sought.get(partition);
      if (sought !== undefined) this.positions.set(partition, sought);
      this.sought.delete(partition);
      const log = this.broker.partitions[partition]!;
      // Out of range: the client begins anew.
      if (this.positions.get(partition)! > log.length) this.positions.set(partition, 0);
      const at = this.positions.get(partition)!;
      this.emit(EVENTS.FETCH);
      if (this.paused.has(partition) || at >= log.length) {
        await chance.wait(200);
        continue;
      }
      const from = chance.of(this.broker.repeats) ? Math.max(0, at - chance.between(1, 4)) : at;
      const messages = log.slice(from, at + chance.between(1, 6)).map((message, i) => kafkaMessage(message, from + i));
      this.note(`gets ${partition}/${from} and ${messages.length - 1} more`);
      for (let tries = 0; ; tries++) {
        try {
          await this.eachBatch(this.payload(partition, generation, messages, log.length));
          break;
        } catch (error) {
          this.note(`failed over ${partition}/${from}: ${(error as Error).name}`);
          if (!mine()) return;
          if ((error as { type?: unknown }).type === 'REBALANCE_IN_PROGRESS') break;
          if (tries >= 2) return this.crash(error);
          await chance.wait(300 * 2 ** tries);
          if (!mine()) return;
        }
      }
    }
  }

  private payload(partition: number, generation: number, messages: KafkaMessage[], high: number): object {
    return {
      batch: {
        topic: this.broker.topic,
        partition,
        highWatermark: String(high),
        messages,
        firstOffset: () => messages[0]!.offset,
        lastOffset: () => messages.at(-1)!.offset,
      },
      resolveOffset: (offset: string) => {
        if (this.generation === generation && !this.sought.has(partition))
          this.positions.set(partition, Number(offset) + 1);
      },
      heartbeat: () => this.heartbeat(),
      isRunning: () => this.running,
      isStale: () => this.sought.has(partition),
    };
  }

  private async heartbeat(): Promise<void> {
    await this.broker.chance.wait(this.broker.chance.between(0, 3) + silence(this.peer));
    if (!this.running || this.peer.dead) return;
    this.emit(EVENTS.HEARTBEAT);
    if (this.broker.isCurrent(this, this.generation)) return;
    // Taken for dead, or others have come: it asks to be let in, and once is enough.
    if (this.generation !== ASKED || !this.broker.knows(this)) this.broker.join(this);
    this.generation = ASKED;
    throw Object.assign(new Error('rebalance in progress'), {
      name: 'KafkaJSProtocolError',
      type: 'REBALANCE_IN_PROGRESS',
    });
  }

  private crash(error: unknown): void {
    this.note('stops');
    this.running = false;
    clearInterval(this.beat);
    this.broker.leave(this);
    this.emit(EVENTS.CRASH, { error });
  }

  private note(line: string): void {
    this.broker.note(`${this.peer.name} ${line}`);
  }

  private emit(event: string, payload: Record<string, unknown> = {}): void {
    for (const listener of this.listeners.get(event) ?? []) listener({ payload });
  }
}

function silence(peer: Peer): number {
  return Math.max(0, peer.silentUntil - Date.now());
}

function kafkaMessage({ value, headers, timestamp }: Message, offset: number): KafkaMessage {
  return {
    key: null,
    value,
    headers,
    offset: String(offset),
    timestamp: String(timestamp),
    attributes: 0,
  } as unknown as KafkaMessage;
}
