import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import {
  authenticStore,
  entryAuthenticator,
  kafkaLane,
  openEmbeddedStore,
  type StoredEntry,
} from '@sijill/event-store';
import { Quarantine, QUARANTINED } from '@sijill/intake';
import { systemClock, takeRandom } from '@sijill/platform';
import { ReadModels } from '@sijill/read-models';
import { keyringPlaceOf, makeKeyring, keyIdOf, readKeyring, unseal, Vault, type Keyring } from '@sijill/vault';
import { collected, disclosed } from '../../support/events.js';
import { seeded } from '../../support/seeded.js';
import { Broker, SESSION_MS, type Message } from './broker.js';
import { Chance } from './chance.js';
import type { Entropy } from './entropy.js';
import { FILES, Machine } from './machine.js';
import { SimulatedServer, type Surroundings } from './server.js';
import { VirtualTime } from './virtual-time.js';

/** What a run came to. The same seed gives the same digest, byte for byte. */
export interface Outcome {
  /** SHA-256 over all that happened, in order, and all that is stored at the end. */
  readonly digest: string;
  /** What was found wrong; empty when all is well. */
  readonly faults: readonly string[];
  readonly trace: readonly string[];
  readonly happened: {
    readonly powerLosses: number;
    readonly kills: number;
    readonly silences: number;
    readonly remakes: number;
  };
}

interface Sent {
  readonly source: string;
  readonly id: string;
  readonly phones: readonly string[];
}

/** A topic as it was until it was made anew. */
interface Former {
  readonly cluster: string;
  readonly partitions: readonly (readonly Message[])[];
  readonly produced: readonly (readonly (Sent | null)[])[];
  /** Whoever read it went on in the new one. */
  readonly unnoticed: boolean;
}

/** Where a lane ends. */
interface LaneEnd {
  readonly kafka: { readonly offset: number; readonly timestamp: number };
  readonly part?: { readonly index: number; readonly of: number };
}

const HOUR = 3_600_000;
const START = Date.UTC(2026, 7, 1);
const TOPIC = 'privacy.activity';
/** Until then things break; behind it nothing does, and everything must come to rest. */
const TROUBLE_MS = 20_000;
const PATIENCE_MS = 10 * 60_000;

/** Runs many worlds, one after the other, on files that are made once. */
export class Simulation {
  private constructor(
    private readonly root: string,
    private readonly entropy: Entropy,
    private readonly keyring: Keyring,
  ) {}

  /** @param root a directory for the files of the runs, best in memory */
  static async prepare(root: string, entropy: Entropy): Promise<Simulation> {
    entropy.reseed(0);
    const template = join(root, 'template');
    mkdirSync(template, { recursive: true });
    const place = keyringPlaceOf({ kind: 'file', file: join(root, 'keyring.json') });
    const keyring = await makeKeyring(place, '2026-01-01T00:00:00.000Z');
    const [ledger, vault, readModels] = FILES.map((name) => join(template, name));
    await openEmbeddedStore({ file: ledger! }).close();
    const opened = await Vault.open({ kind: 'sqlite', file: vault! }, keyring, { now: () => START }, 'SA', PEOPLE);
    await opened.close();
    await (await ReadModels.open({ kind: 'sqlite', file: readModels! }, { now: () => START })).close();
    return new Simulation(root, entropy, readKeyring(join(root, 'keyring.json')));
  }

  /**
   * One run. Ids rise with time within a process, so seeds are run in rising order: each has an hour of its own.
   */
  async run(seed: number): Promise<Outcome> {
    this.entropy.reseed(seed);
    // What the pool of random bytes still holds is of the run before.
    for (const { asked } = this.entropy; this.entropy.asked === asked;) takeRandom(1024);
    const time = new VirtualTime(START + seed * HOUR);
    const { random } = Math;
    Math.random = seeded(seed);
    try {
      return await time.during(() => new World(this.root, this.keyring, seed).run());
    } finally {
      Math.random = random;
    }
  }
}

class World {
  private readonly chance: Chance;
  private readonly trace: string[] = [];
  private readonly faults: string[] = [];
  private readonly machine: Machine;
  private readonly broker: Broker;
  private readonly around: Surroundings;
  private readonly servers: SimulatedServer[] = [];
  private readonly began = Date.now();
  private readonly sent: Sent[] = [];
  /** Of the topic as it is now, by partition and offset; null for what nobody can read. */
  private produced: (Sent | null)[][];
  private former: Former | null = null;
  private stamp = 0;
  private readonly acknowledged = new Set<string>();
  private readonly happened = { powerLosses: 0, kills: 0, silences: 0, remakes: 0 };
  private starts = 0;

  constructor(root: string, keyring: Keyring, seed: number) {
    const chance = (this.chance = new Chance(seed));
    const note = (line: string): void => void this.trace.push(`${Date.now() - this.began} ${line}`);
    this.machine = new Machine(
      mkdtempSync(join(root, 'world-')),
      join(root, 'template'),
      chance,
      () => this.afterPowerLoss(),
      note,
    );
    this.broker = new Broker(TOPIC, chance.between(1, 3), chance, note);
    this.produced = this.broker.partitions.map(() => []);
    const appendLimit = chance.pick([2, 3, 10, 1000]);
    this.around = {
      machine: this.machine,
      broker: this.broker,
      chance,
      keyring,
      speakers: { http: speaker('gateway'), kafka: speaker(chance.pick(['gateway', 'topic-owner'])) },
      network: { faultRate: 0 },
      appendLimit,
      note,
    };
  }

  async run(): Promise<Outcome> {
    const { chance, around } = this;
    const nodes = chance.pick([['n1'], ['n1'], ['n1', 'n2'], ['n1', 'n1']]);
    const keeping = nodes.map((node, i) => this.keepRunning(`server-${i}`, node));
    const work = [
      ...Array.from({ length: chance.between(4, 24) }, () => this.produce(chance.between(0, TROUBLE_MS * 1.2))),
      ...Array.from({ length: chance.between(1, 8) }, (_, i) =>
        this.send(`/http-${i}`, chance.between(0, TROUBLE_MS * 1.2)),
      ),
    ];
    // Some runs break at every turn, some hardly ever.
    around.network.faultRate = chance.pick([0, 0.02, 0.15]);
    this.machine.faultRate = chance.pick([0, 0.003, 0.02]);
    this.broker.repeats = chance.pick([0, 0.2]);
    const trouble = Array.from({ length: chance.between(0, 6) }, () => this.trouble(chance.between(0, TROUBLE_MS)));
    await chance.wait(TROUBLE_MS);
    await Promise.all(trouble);
    around.network.faultRate = 0;
    this.machine.faultRate = 0;
    this.broker.repeats = 0;
    around.note('calm');

    const until = Date.now() + PATIENCE_MS;
    await Promise.race([Promise.all(work), chance.wait(PATIENCE_MS)]);
    while (!(await this.atRest()) && Date.now() < until) await chance.wait(1_000);
    if (Date.now() >= until) this.faults.push('it did not come to rest');
    this.ending = true;
    for (const server of this.servers) await server.stop();
    await Promise.all(keeping);
    const content = await this.check();
    const digest = createHash('sha256')
      .update(JSON.stringify([this.trace, content]))
      .digest('hex');
    this.machine.remove();
    return { digest, faults: this.faults, trace: this.trace, happened: this.happened };
  }

  private ending = false;

  /** Starts a server again whenever it is gone, as an operator or a supervisor does. */
  private async keepRunning(name: string, node: string): Promise<void> {
    while (!this.ending) {
      const server = new SimulatedServer(`${name}.${this.starts++}`, node, this.around);
      this.servers.push(server);
      try {
        await server.start();
        this.around.note(`${server.name} started`);
      } catch (error) {
        this.around.note(`${server.name} did not start: ${(error as Error).name}`);
        server.kill();
      }
      while (!server.dead && !this.ending) await this.chance.wait(100);
      this.servers.splice(this.servers.indexOf(server), server.dead ? 1 : 0);
      if (!this.ending) await this.chance.wait(this.chance.delay());
    }
  }

  /** A record on its way to the topic; some are what nobody can read, some come twice, some contradict an earlier one. */
  private async produce(at: number): Promise<void> {
    const { chance, broker } = this;
    await chance.wait(at);
    const partition = chance.between(0, broker.partitions.length - 1);
    this.put(partition, this.produced, broker.partitions);
  }

  private put(partition: number, produced: (Sent | null)[][], partitions: Message[][]): void {
    const { chance } = this;
    // No two records are of one time, so that what was made anew can be told from what was there.
    const timestamp = (this.stamp = Math.max(Date.now(), this.stamp + 1));
    const put = (message: Omit<Message, 'timestamp'>, sent: Sent | null): void => {
      produced[partition]!.push(sent);
      partitions[partition]!.push({ ...message, timestamp });
    };
    if (chance.of(0.15)) return put(chance.pick(POISON), null);
    const earlier = this.sent.length > 0 && chance.of(0.2) ? chance.pick(this.sent) : null;
    const sent = earlier ?? this.newEvent(`/kafka-${partition}`);
    put({ value: Buffer.from(JSON.stringify(this.eventOf(sent))), headers: STRUCTURED }, sent);
  }

  /**
   * Somebody deletes the topic and makes it anew, with about as many records as it had; or restores a cluster under another id.
   * Once in a run.
   */
  private remake(): void {
    const { chance, broker } = this;
    if (this.former !== null) return;
    const { cluster, partitions } = broker;
    const other = chance.of(0.3);
    const unnoticed = !other && chance.of(0.5);
    this.former = { cluster, partitions, produced: this.produced, unnoticed };
    this.produced = partitions.map(() => []);
    const anew: Message[][] = partitions.map(() => []);
    for (const [partition, { length }] of partitions.entries()) {
      const count = length + chance.between(-1, 3);
      for (let i = 0; i < count; i++) this.put(partition, this.produced, anew);
    }
    broker.remake(anew, other ? 'cluster-2' : cluster, unnoticed);
    this.happened.remakes += 1;
  }

  /** A producer over HTTP: sends its batch until somebody says that it is durable. */
  private async send(source: string, at: number): Promise<void> {
    const { chance } = this;
    await chance.wait(at);
    const batch = Array.from({ length: chance.between(1, 3) }, () => this.eventOf(this.newEvent(source)));
    for (;;) {
      const server = chance.pick(this.servers.length > 0 ? this.servers : [null]);
      try {
        await chance.wait(chance.delay());
        if (server === null) throw new Error('connection refused');
        const accepting = server.accept(batch);
        accepting.catch(() => undefined);
        const answer = await Promise.race([accepting, chance.wait(15_000).then(() => null)]);
        if (answer === null || server.dead || chance.of(this.around.network.faultRate)) throw new Error('no answer');
        if (answer.rejected.length > 0) this.faults.push(`refused ${JSON.stringify(answer.rejected)}`);
        for (const { entries } of answer.accepted) for (const { entryId } of entries) this.acknowledged.add(entryId);
        this.around.note(`${source} acknowledged by ${server.name}`);
        return;
      } catch {
        await chance.wait(chance.delay());
      }
    }
  }

  private newEvent(source: string): Sent {
    const { chance } = this;
    const phones = Array.from({ length: chance.of(0.3) ? 2 : 1 }, (_, i) => PHONES[i * 4 + chance.between(0, 3)]!);
    const sent = { source, id: `event-${this.sent.length}`, phones };
    this.sent.push(sent);
    return sent;
  }

  private eventOf({ source, id, phones }: Sent): object {
    const dataSubjects = phones.map((value) => ({ identifiers: [{ scheme: 'phone', value }], role: 'user' }));
    const make = id.endsWith('3') ? collected : disclosed;
    // What a producer sends a second time says the same, or under the same name something else.
    const system = this.chance.of(0.1) ? 'gateway-other' : 'gateway-1';
    return make(phones[0]!, { source, id }, { dataSubjects, system });
  }

  private async trouble(at: number): Promise<void> {
    const { chance, machine, around } = this;
    await chance.wait(at);
    const server = this.servers.length > 0 ? chance.pick(this.servers) : null;
    switch (
      chance.pick([
        'kill',
        'kill',
        'power',
        'silence',
        'silence',
        'full disk',
        'rebalance',
        'offsets',
        'stop',
        'remake',
      ] as const)
    ) {
      case 'kill':
        around.note(`kill ${server?.name}`);
        this.happened.kills += 1;
        return server?.kill();
      case 'stop':
        around.note(`stop ${server?.name}`);
        return server?.stop();
      case 'power':
        return machine.losePower();
      case 'silence': {
        if (server === null) return;
        server.silentUntil = Date.now() + chance.between(1_000, 30_000);
        around.note(`${server.name} silent for ${server.silentUntil - Date.now()}`);
        this.happened.silences += 1;
        setTimeout(() => this.broker.expireSilent(), SESSION_MS);
        return;
      }
      case 'full disk':
        around.note('disk full');
        machine.full = true;
        await chance.wait(chance.between(100, 5_000));
        machine.full = false;
        around.note('room again');
        return;
      case 'rebalance':
        return this.broker.rebalance();
      case 'remake':
        return this.remake();
      case 'offsets': {
        // An operator sets back, or on, what the group has committed.
        const partition = chance.between(0, this.broker.partitions.length - 1);
        this.broker.committed.set(partition, chance.between(0, this.broker.partitions[partition]!.length));
        return;
      }
    }
  }

  private afterPowerLoss(): void {
    this.around.note('power lost');
    this.happened.powerLosses += 1;
    for (const server of this.servers) server.kill();
    this.assertAcknowledged('after a loss of power');
    this.assertTogether('after a loss of power');
  }

  /** All that was sent is in a lane, or its partition is refused for what it was made of; and the read models are at the end. */
  private async atRest(): Promise<boolean> {
    const ledger = new Database(this.machine.file('ledger.sqlite'), { readonly: true });
    const readModels = new Database(this.machine.file('read-models.sqlite'), { readonly: true });
    try {
      const ends = new Map(
        ledger
          .prepare<[], { name: string; metadata: string }>(
            `select name, metadata from stream join entry on stream_id = stream.id
             where revision = (select max(revision) from entry where stream_id = stream.id)`,
          )
          .all()
          .map(({ name, metadata }) => [name, JSON.parse(metadata) as LaneEnd]),
      );
      for (const [partition, records] of this.produced.entries()) {
        const end = ends.get(kafkaLane(this.broker.cluster, TOPIC, partition));
        if (end !== undefined && this.isFormer(partition, end.kafka)) {
          const refused = await Promise.all(this.servers.map((server) => server.refuses(partition)));
          // Where nobody noticed, and no record came that its reader had not been at, there was nothing to tell it by yet.
          const told = !this.former!.unnoticed || records.length > end.kafka.offset + 1;
          if (told && !refused.includes(true)) return false;
          continue;
        }
        const whole = end?.part === undefined || end.part.index === end.part.of - 1;
        if ((end?.kafka.offset ?? -1) !== records.length - 1 || !whole) return false;
      }
      const head = ledger.prepare('select coalesce(max(position), 0) from entry').pluck().get();
      return readModels.prepare(`select min(position) from projection where name <> 'all'`).pluck().get() === head;
    } finally {
      ledger.close();
      readModels.close();
    }
  }

  /** Whether an entry is of a record of the topic before it was made anew. */
  private isFormer(partition: number, { offset, timestamp }: LaneEnd['kafka']): boolean {
    return this.former?.partitions[partition]![offset]?.timestamp === timestamp;
  }

  private assertAcknowledged(when: string): void {
    const ledger = new Database(this.machine.file('ledger.sqlite'));
    const there = new Set(ledger.prepare<[], string>('select id from entry').pluck().all());
    ledger.close();
    for (const id of this.acknowledged)
      if (!there.has(id)) this.faults.push(`acknowledged entry ${id} is gone ${when}`);
  }

  /** Rows and position are committed together: in this store positions have no gaps, so that the rows can be counted. */
  private assertTogether(when: string): void {
    const readModels = new Database(this.machine.file('read-models.sqlite'));
    const position = readModels.prepare(`select position from projection where name = 'entries'`).pluck().get();
    const rows = readModels.prepare('select count(*) from entry').pluck().get();
    readModels.close();
    if (position !== rows) this.faults.push(`the read models say ${position} and hold ${rows} rows ${when}`);
  }

  /** Looks through everything that is stored at the end. */
  private async check(): Promise<unknown> {
    const { machine, faults } = this;
    this.assertAcknowledged('at the end');
    this.assertTogether('at the end');
    const { current, keys } = this.around.keyring.authenticator;
    const store = authenticStore(
      openEmbeddedStore({ file: machine.file('ledger.sqlite') }),
      entryAuthenticator({ current, keys: Object.fromEntries(keys) }),
    );
    const vault = await Vault.open(
      { kind: 'sqlite', file: machine.file('vault.sqlite') },
      this.around.keyring,
      systemClock,
      'SA',
      PEOPLE,
    );
    const entries: StoredEntry[] = [];
    for await (const batch of store.readAll()) entries.push(...batch);
    if (entries.some(({ foreign }) => foreign)) faults.push('an entry of its own is foreign to it');

    const lanes = new Map<string, StoredEntry[]>();
    for (const entry of entries) lanes.set(entry.stream, [...(lanes.get(entry.stream) ?? []), entry]);
    for (const [lane, list] of lanes)
      if (list.some(({ revision }, i) => revision !== i)) faults.push(`${lane} has a gap`);
    const quarantine = new Quarantine(vault, systemClock);
    const holds = async (found: readonly StoredEntry[], sent: readonly (readonly Message[])[], partition: number) => {
      const lines: string[] = [];
      for (const entry of found) {
        const { offset } = entry.metadata['kafka'] as { offset: number };
        if (entry.type !== QUARANTINED) {
          const { eventId, phone } = await openedIn(entry, vault);
          lines.push(`${offset} ${eventId} ${phone}`);
          continue;
        }
        const opened = await quarantine.open(store, entry.stream, entry.revision);
        const message = sent[partition]![offset];
        const same =
          message !== undefined &&
          typeof opened !== 'string' &&
          Buffer.compare(opened.raw.value ?? NOTHING, message.value ?? NOTHING) === 0;
        lines.push(same ? `${offset} unreadable` : `${offset} unreadable, and not as it came`);
      }
      return lines;
    };
    const { former, broker } = this;
    for (const [partition, records] of this.produced.entries()) {
      const name = kafkaLane(broker.cluster, TOPIC, partition);
      const found = lanes.get(name) ?? [];
      // What was there before is what was stored of it, in its order; nothing of what was made anew may be behind it.
      const ofFormer = (entry: StoredEntry | undefined): boolean =>
        entry !== undefined && this.isFormer(partition, entry.metadata['kafka'] as LaneEnd['kafka']);
      const expected = ofFormer(found[0])
        ? linesOf(former!.produced[partition]!).slice(0, found.length)
        : linesOf(records);
      const actual = await holds(found, ofFormer(found[0]) ? former!.partitions : broker.partitions, partition);
      const before =
        former === null || former.cluster === broker.cluster
          ? []
          : (lanes.get(kafkaLane(former.cluster, TOPIC, partition)) ?? []);
      for (const [is, should] of [
        [actual, expected],
        [
          await holds(before, former?.partitions ?? [], partition),
          linesOf(former?.produced[partition] ?? []).slice(0, before.length),
        ],
      ])
        if (JSON.stringify(is) !== JSON.stringify(should))
          faults.push(`partition ${partition} holds ${JSON.stringify(is)} in the place of ${JSON.stringify(should)}`);
    }

    const readModels = await ReadModels.open({ kind: 'sqlite', file: machine.file('read-models.sqlite') }, systemClock);
    // What a request left behind that its sender had given up is stored at the very end, and projected at the next start.
    await readModels.catchUp(store);
    const live = await readModels.digest();
    await this.checkHistories(entries, vault, readModels);
    await readModels.rebuild(store);
    if ((await readModels.digest()) !== live) faults.push('the read models are others when they are made again');
    await readModels.close();
    await vault.close();
    await store.close();
    return { entries, live };
  }

  /** What each event says once in the histories of its people, whoever sent it how often; each person under one name. */
  private async checkHistories(entries: readonly StoredEntry[], vault: Vault, readModels: ReadModels): Promise<void> {
    const rows = await readModels.sql.reader.selectFrom('activity').select(['entry_id', 'subject_id']).execute();
    const counted = new Map(rows.map((row) => [row.entry_id, row.subject_id]));
    const stored = new Set<string>();
    const histories: string[] = [];
    for (const entry of entries) {
      if (entry.type === QUARANTINED) continue;
      const { producer, source } = entry.metadata;
      const { eventId, phone } = await openedIn(entry, vault);
      // The same identity with something else to say is a conflict, and in the history too.
      const line = [producer, source, eventId, entry.data['system'], phone].join(' ');
      stored.add(line);
      if (!counted.has(entry.id)) continue;
      histories.push(line);
      const at = Date.parse(entry.data['occurredAt'] as string);
      const found = await vault.directory.lookUp({ scheme: 'phone', realm: null, value: phone }, at);
      if (found?.subjectId !== counted.get(entry.id))
        this.faults.push(`${entry.id} is of another subject than its phone number`);
    }
    if (JSON.stringify(histories.sort()) !== JSON.stringify([...stored].sort()))
      this.faults.push(
        `the histories hold ${JSON.stringify(histories)} in the place of ${JSON.stringify([...stored])}`,
      );
    const { producer } = this.around.speakers.http;
    for (const { source, id, phones } of this.sent) {
      if (!source.startsWith('/http')) continue;
      for (const phone of phones)
        if (!histories.some((line) => line.startsWith(`${producer} ${source} ${id} `) && line.endsWith(` ${phone}`)))
          this.faults.push(`${source} ${id} of ${phone} is in no history`);
    }
  }
}

function speaker(producer: string): Surroundings['speakers']['http'] {
  return { producer, realm: 'default', mayLink: true, sources: [] };
}

/** What a lane should hold of some records, entry by entry. */
function linesOf(records: readonly (Sent | null)[]): string[] {
  return records.flatMap((sent, offset) =>
    sent === null ? [`${offset} unreadable`] : sent.phones.map((phone) => `${offset} ${sent.id} ${phone}`),
  );
}

async function openedIn(entry: StoredEntry, vault: Vault): Promise<{ eventId: string; phone: string }> {
  const sealed = entry.sealed['subject'] ?? '';
  const secret = await vault.secrets.byId(keyIdOf(sealed));
  if (secret === null) return { eventId: 'nobody can open', phone: '' };
  const personal = JSON.parse(unseal(secret, `${entry.id}/subject`, sealed).toString()) as {
    eventId: string;
    identifiers: { value: string }[];
  };
  return { eventId: personal.eventId, phone: personal.identifiers.map(({ value }) => value).join('+') };
}

const PEOPLE = 8;
const PHONES = Array.from({ length: PEOPLE }, (_, i) => `+96650000004${i}`);
const NOTHING = Buffer.from('no value');
const STRUCTURED = { 'content-type': Buffer.from('application/cloudevents+json') };
const POISON: readonly Omit<Message, 'timestamp'>[] = [
  { value: Buffer.from('{"specversion":"1.0",'), headers: STRUCTURED },
  { value: Buffer.from([0xff, 0xfe, 0x00]), headers: STRUCTURED },
  { value: Buffer.from('{}'), headers: STRUCTURED },
  { value: Buffer.from('no event'), headers: {} },
  { value: null, headers: STRUCTURED },
];
