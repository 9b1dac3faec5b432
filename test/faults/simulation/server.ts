import {
  Appender,
  authenticStore,
  entryAuthenticator,
  httpLane,
  Lane,
  openEmbeddedStore,
  openWriting,
  StoreUnavailable,
  type Append,
  type AppendResult,
  type EntryWriter,
  type EventStore,
  type ExpectedRevision,
  type NewEntry,
  type RawAppend,
  type StoredEntry,
  type WrittenEntry,
} from '@sijill/event-store';
import type { Speaker } from '@sijill/contracts';
import { EntryMaker, HttpIntake, KafkaIntake, Quarantine, SeenEvents, type IntakeAnswer } from '@sijill/intake';
import { createLogger, Metrics, parseConfig, systemClock } from '@sijill/platform';
import { knownEvents, locateEntry, Projector, ReadModels, replayOf } from '@sijill/read-models';
import { Vault, type Keyring } from '@sijill/vault';
import { FaultyStore, type StoreFault } from '../../support/faulty-store.js';
import { SESSION_MS, type Broker, type Peer } from './broker.js';
import type { Chance } from './chance.js';
import type { Machine, Owner } from './machine.js';

/** What every process of a world has around it. */
export interface Surroundings {
  readonly machine: Machine;
  readonly broker: Broker;
  readonly chance: Chance;
  readonly keyring: Keyring;
  /** Who sends over HTTP, and whose the topic is. */
  readonly speakers: { readonly http: Speaker; readonly kafka: Speaker };
  readonly network: { faultRate: number };
  /** Entries that one append of the store may hold. */
  readonly appendLimit: number;
  note(line: string): void;
}

/** Fewer than there are, so that some are always looked up again. */
const CACHED_PEOPLE = 3;

/** What this product is made of, wired as in a server, on a machine and beside a broker that are simulated. */
export class SimulatedServer implements Owner, Peer {
  dead = false;
  silentUntil = 0;
  private readonly metrics = new Metrics();
  private readonly closing: (() => unknown)[] = [];
  private parts: { lane: Lane; http: HttpIntake; kafka: KafkaIntake; projector: Projector } | null = null;

  constructor(
    readonly name: string,
    private readonly nodeId: string,
    private readonly around: Surroundings,
  ) {}

  /** Opens everything, as a start does; whatever fails ends the process, as it would end a server. */
  async start(): Promise<void> {
    const { machine, broker, keyring, speakers } = this.around;
    const open = (file: string) => {
      const connection = machine.open(file, this);
      this.closing.push(() => connection.close());
      return connection;
    };
    const config = parseConfig({
      SIJILL_KAFKA_BROKERS: broker.addressFor(this),
      SIJILL_KAFKA_TOPICS: `${broker.topic}=${speakers.kafka.producer}`,
      SIJILL_NODE_ID: this.nodeId,
    });
    const { limits, defaultRegion } = config;
    const logger = createLogger('silent');
    const { metrics } = this;
    const clock = systemClock;
    const embedded = openEmbeddedStore({
      file: machine.file('ledger.sqlite'),
      writer: (file) => new SimulatedWriter(file, this, this.around),
      pollMs: 500,
    });
    this.closing.push(() => embedded.close());
    const { current, keys } = keyring.authenticator;
    const authenticator = entryAuthenticator({ current, keys: Object.fromEntries(keys) });
    const store = new DistantStore(authenticStore(embedded, authenticator), this, this.around);
    const vault = await Vault.open(
      { kind: 'sqlite', file: machine.file('vault.sqlite'), open },
      keyring,
      clock,
      defaultRegion,
      CACHED_PEOPLE,
    );
    const readModels = await ReadModels.open({ kind: 'sqlite', file: machine.file('read-models.sqlite'), open }, clock);
    const maker = new EntryMaker(vault, clock);
    const seen = new SeenEvents({
      position: async () => (await readModels.asOf('entries')).position,
      known: (events) => knownEvents(readModels.sql.reader, events),
      locate: (entryId) => locateEntry(readModels.sql.reader, entryId),
      replayOf: (entryId) => replayOf(readModels.sql.reader, entryId),
    });
    const lane = await Lane.open(store, httpLane(this.nodeId), { onOtherWriter: 'follow', whenFull: 'refuse' });
    const http = new HttpIntake(lane, maker, seen, clock, { limits, defaultRegion, nodeId: this.nodeId }, metrics);
    const speakerFor = (): Promise<Speaker> => Promise.resolve(speakers.kafka);
    const options = { limits, defaultRegion, kafka: config.kafka!, speakerFor };
    const kafka = new KafkaIntake(store, maker, new Quarantine(vault, clock), clock, options, metrics, logger);
    const projector = new Projector(store, readModels, metrics, logger);
    if (this.dead) throw new StoreUnavailable('died over its start');
    this.parts = { lane, http, kafka, projector };
    projector.start();
    kafka.start();
  }

  get ready(): boolean {
    return this.parts !== null && !this.dead;
  }

  accept(events: readonly object[]): Promise<IntakeAnswer> {
    if (!this.ready) return Promise.reject(new StoreUnavailable('connection refused'));
    return this.parts!.http.accept({ events, bytes: 0, speaker: this.around.speakers.http, principal: 'p-http' });
  }

  /** Whether it says of a partition that it is not the one that its lane was written from. */
  async refuses(partition: number): Promise<boolean> {
    const { values } = await this.metrics.kafkaRefused.get();
    return values.some(({ value, labels }) => value === 1 && Number(labels.partition) === partition);
  }

  /** It is gone at once. What its code still does reaches no disk and no broker, and is ended so that the run can end. */
  kill(): void {
    if (this.dead) return;
    this.dead = true;
    setTimeout(() => this.around.broker.expireSilent(), SESSION_MS);
    this.parts?.lane.abandon();
    void this.parts?.kafka.stop();
    void this.parts?.projector.stop();
    // A transaction in the middle of its statements is rolled back first, as it is when a process dies.
    setTimeout(() => this.closing.splice(0).forEach((close) => close()), 0);
  }

  /** An orderly stop, as a deployment does it. */
  async stop(): Promise<void> {
    await this.parts?.kafka.stop();
    await this.parts?.lane.close();
    await this.parts?.projector.stop();
    this.kill();
  }

  /** How long something takes that leaves this process or comes to it. */
  way(): Promise<void> {
    const { chance } = this.around;
    return chance.wait(chance.delay() + Math.max(0, this.silentUntil - Date.now()));
  }
}

/** In the place of the writer's thread: the same appender, on a connection that may fail, with group commits of its own. */
class SimulatedWriter implements EntryWriter {
  private readonly connection;
  private readonly appender: Appender;
  private waiting: { append: Append; resolve: (result: AppendResult) => void; reject: (error: Error) => void }[] = [];

  constructor(
    file: string,
    private readonly owner: Owner,
    private readonly around: Surroundings,
  ) {
    this.connection = around.machine.watch(openWriting(file), file, owner);
    this.appender = new Appender(this.connection);
  }

  append(stream: string, entries: readonly RawAppend[], expected: ExpectedRevision): Promise<AppendResult> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ append: { stream, entries, expected }, resolve, reject });
      if (this.waiting.length === 1) setTimeout(() => this.commit(), this.around.chance.between(1, 20));
    });
  }

  async close(): Promise<void> {
    this.connection.close();
  }

  private commit(): void {
    const calls = this.waiting;
    this.waiting = [];
    // Killed with the appends still in memory: nobody hears of them again.
    if (this.owner.dead) return;
    const outcomes = this.appender.appendTogether(calls.map(({ append }) => append));
    calls.forEach(({ append, resolve, reject }, i) => {
      const outcome = outcomes[i]!;
      const said = outcome instanceof Error ? outcome.name : `${outcome.revision}`;
      this.around.note(`${this.owner.name} append ${append.stream} ${append.entries.length} -> ${said}`);
      setTimeout(
        () => (outcome instanceof Error ? reject(outcome) : resolve(outcome)),
        this.around.chance.between(0, 5),
      );
    });
  }
}

/** The store as a process sees it that is not on the same machine: calls take time, and may be lost before or behind it. */
class DistantStore extends FaultyStore {
  constructor(
    real: EventStore,
    private readonly server: SimulatedServer,
    private readonly around: Surroundings,
  ) {
    super(real);
    this.limit = around.appendLimit;
  }

  override async append(
    stream: string,
    batch: readonly (NewEntry | WrittenEntry)[],
    expected: ExpectedRevision,
  ): Promise<AppendResult> {
    await this.server.way();
    if (this.server.dead) throw new StoreUnavailable('away');
    const { chance, network, note } = this.around;
    const fault = chance.of(network.faultRate)
      ? chance.pick<StoreFault>(['fail before', 'fail after', 'unavailable'])
      : null;
    if (fault !== null) note(`${this.server.name} append ${stream}: ${fault}`);
    this.faults = [fault];
    try {
      return await super.append(stream, batch, expected);
    } finally {
      await this.server.way();
    }
  }

  override async *readStream(...args: Parameters<EventStore['readStream']>): AsyncGenerator<StoredEntry> {
    await this.arrive();
    yield* this.real.readStream(...args);
  }

  override async *subscribeToAll(...args: Parameters<EventStore['subscribeToAll']>): AsyncGenerator<StoredEntry[]> {
    await this.arrive();
    for await (const batch of this.real.subscribeToAll(...args)) {
      yield batch;
      await this.arrive();
    }
  }

  private async arrive(): Promise<void> {
    await this.server.way();
    const { chance, network } = this.around;
    if (this.server.dead || chance.of(network.faultRate)) throw new StoreUnavailable('connection lost');
  }
}
