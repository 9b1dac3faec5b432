import { EventStoreDBClient } from '@eventstore/db-client';
import { mkdtempSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as pause } from 'node:timers/promises';
import { Lane, openEventStoreDb, passes, type EventStore, type NewEntry } from '@sijill/event-store';
import { all, entry } from '../contract/event-store.contract.js';
import { authentic } from '../support/entry-keys.js';
import { makeCertificate } from '../support/eventstoredb/certificate.js';
import { startTestCluster, type TestCluster } from '../support/eventstoredb/cluster.js';
import { FULL_RUN } from '../support/full-run.js';
import { seeded } from '../support/seeded.js';
import { eventually, freshDataDir } from '../support/sijill.js';

const ROUNDS = Number(process.env['SIJILL_TEST_CLUSTER_ROUNDS'] ?? (FULL_RUN ? 100 : 10));
/** Of the times that a real cluster and its clients take. */
const SCALE = Number(process.env['SIJILL_TEST_CLUSTER_SCALE'] ?? (FULL_RUN ? 0.5 : 0.1));
const SEED = Number(process.env['SIJILL_TEST_SEED'] ?? Math.floor(Math.random() * 2 ** 31));

const scaled = (ms: number): number => Math.ceil(ms * SCALE);
const APPEND_TIMEOUT_MS = scaled(5_000);
const SETTLE_WITHIN_MS = scaled(10_000);
/** What a busy machine may take beyond what was said, and beyond the time for which this process was busy with something else. */
const SLACK_MS = 1_000;
const PROGRESS_WITHIN_MS = scaled(60_000) + 10_000;
const [LANES, WRITERS, LARGEST_BATCH] = [4, 3, 5];
const REPEATS = 0.1;

const admin = { name: 'admin', password: 'changeit', groups: ['$admins'] };
const service = { name: 'sijill', password: 'p@ss:s3cret' };

const KINDS = ['leader killed', 'leader frozen', 'follower killed', 'follower frozen'] as const;

/** Does one of these to a cluster, and brings all of it back. */
async function strike(cluster: TestCluster, kind: (typeof KINDS)[number], random: () => number): Promise<void> {
  const between = (least: number, most: number): Promise<void> => pause(scaled(least + random() * (most - least)));
  switch (kind) {
    case 'leader killed':
      // It dies with two appends that nobody was answered: they are with the others, or lost.
      for (let n = 0; n < 2; n++)
        cluster.leader.faults.appends.push({ kind: 'silence', stored: random() < 0.5, stream: laneOf(n) });
      await pause(20);
      await cluster.killLeader();
      await between(800, 2_100);
      await cluster.failOver();
      await between(0, 3_000);
      break;
    case 'leader frozen':
      cluster.freezeLeader();
      // Too short for an election, or long enough.
      await between(5_000, 25_000);
      await cluster.thaw('unaware');
      break;
    case 'follower killed':
      await cluster.killFollower();
      await between(0, 3_000);
      break;
    case 'follower frozen':
      cluster.freezeFollower();
      await between(2_000, 20_000);
      await cluster.thaw();
  }
  // As a supervisor does, also after a node that had to truncate.
  for (const node of cluster.ended) await cluster.restart(node);
}

const laneOf = (n: number): string => `ledger-rounds-${n}`;

/** What the acknowledged entries of a lane are: ids by revision. */
class Model {
  readonly ids: string[] = [];
  appends = 0;
  repeats = 0;
  late = 0;
  longestMs = 0;

  acknowledged(batch: readonly NewEntry[], revision: number): void {
    this.appends += 1;
    for (const [i, { id }] of batch.entries()) {
      const at = revision + 1 - batch.length + i;
      expect(this.ids[at] ?? id).toBe(id);
      this.ids[at] = id;
    }
  }
}

/** Appends batches, each until it is acknowledged, as a sender does that is told to send again. */
class Writer {
  constructor(
    private readonly store: EventStore,
    private readonly lane: Lane,
    private readonly model: Model,
    private readonly random: () => number,
  ) {}

  async write(goesOn: () => boolean): Promise<void> {
    while (goesOn()) {
      const batch = Array.from({ length: 1 + Math.floor(this.random() * LARGEST_BATCH) }, () => entry());
      const revision = await this.untilAcknowledged(batch);
      this.model.acknowledged(batch, revision);
      if (this.random() < REPEATS) await this.repeat(batch, revision);
      await pause(5);
    }
  }

  private async untilAcknowledged(batch: readonly NewEntry[]): Promise<number> {
    for (;;) {
      const began = Date.now();
      try {
        return (await this.lane.append(batch)).revision;
      } catch (error) {
        if (!passes(error)) throw error;
        this.model.late += 1;
      } finally {
        this.model.longestMs = Math.max(this.model.longestMs, Date.now() - began);
      }
      await pause(scaled(200));
    }
  }

  /** The same entries at their place again are answered as the first time, if they are. */
  private async repeat(batch: readonly NewEntry[], revision: number): Promise<void> {
    const before = revision - batch.length;
    try {
      const again = await this.store.append(this.lane.name, batch, before < 0 ? 'no_stream' : before);
      expect(again.revision).toBe(revision);
      this.model.repeats += 1;
    } catch (error) {
      if (!passes(error)) throw error;
    }
  }
}

/** What a subscription has seen of a lane, in its order. */
async function watch(store: EventStore, seen: string[], signal: AbortSignal): Promise<void> {
  for await (const batch of store.subscribeToAll({ after: 0, signal }))
    for (const { stream, revision, id } of batch) seen.push(placed(stream, revision, id));
}

const placed = (stream: string, revision: number, id: string): string => `${stream} ${revision} ${id}`;

// TLS, users and nodes that can be killed exist here as stand-ins only.
describe('lanes on a cluster whose nodes are killed and frozen', () => {
  const closing: (() => unknown)[] = [];
  afterAll(async () => {
    for (const close of closing.reverse()) await close();
  });

  it(
    `have all that was acknowledged once and in order after ${ROUNDS} rounds, and go on (seed ${SEED})`,
    async () => {
      const random = seeded(SEED);
      const directory = freshDataDir('rounds');
      const certificate = await makeCertificate(directory);
      const timings = { afterKillMs: scaled(5_000), afterFreezeMs: scaled(7_800), unawareMs: scaled(1_000) };
      const cluster = await startTestCluster(
        mkdtempSync(`${directory}/cluster-`),
        certificate,
        [admin, service],
        timings,
      );
      closing.push(() => cluster.stop());
      const root = EventStoreDBClient.connectionString(cluster.connectionStringOf(admin));
      await root.setStreamMetadata('$all', { acl: { readRoles: ['$admins', service.name] } });
      await root.dispose();

      // The client warns of a short interval each time, which is what the scale makes of its own.
      const { warn } = console;
      console.warn = () => undefined;
      closing.push(() => (console.warn = warn));
      const client = `&keepAliveInterval=${scaled(10_000)}&keepAliveTimeout=${scaled(10_000)}&gossipTimeout=${Math.ceil(5 * SCALE)}`;
      const connectionString = cluster.connectionStringOf(service) + client;
      const options = { connectionString, appendTimeoutMs: APPEND_TIMEOUT_MS, stallCheckMs: scaled(30_000) };
      const stores = [authentic(await openEventStoreDb(options)), authentic(await openEventStoreDb(options))] as const;
      closing.push(() => Promise.all(stores.map((store) => store.close())));
      const stopping = new AbortController();
      const seen = stores.map((): string[] => []);
      const watching = stores.map((store, i) => watch(store, seen[i]!, stopping.signal));

      const models = Array.from({ length: LANES }, () => new Model());
      const lanes: Lane[] = [];
      const writing: Promise<void>[] = [];
      let goesOn = true;
      closing.push(() => Promise.all(lanes.map((lane) => lane.close())));
      closing.push(() => {
        goesOn = false;
        stopping.abort();
      });
      for (const [n, model] of models.entries()) {
        const store = stores[n % 2]!;
        const settle = { whenFull: 'refuse', settleWithinMs: SETTLE_WITHIN_MS } as const;
        const lane = await Lane.open(store, laneOf(n), { onOtherWriter: 'stop', ...settle });
        lanes.push(lane);
        for (let w = 0; w < WRITERS; w++)
          writing.push(new Writer(store, lane, model, seeded(SEED + n * WRITERS + w)).write(() => goesOn));
      }
      // A writer that ends too early has met what it should not.
      const failed = Promise.all(writing).then(() => undefined);
      failed.catch(() => undefined);
      const progress = async (): Promise<void> => {
        const before = models.map(({ appends }) => appends);
        const moved = eventually(
          async () => models.map(({ appends }, i) => appends - before[i]!),
          (more) => more.every((count) => count >= WRITERS),
          PROGRESS_WITHIN_MS,
        );
        await Promise.race([moved, failed]);
        moved.catch(() => undefined);
      };

      const began = Date.now();
      // All three nodes are in this process, and one that starts again reads its log.
      const busy = monitorEventLoopDelay();
      busy.enable();
      await progress();
      for (let round = 0; round < ROUNDS; round++) {
        const kind = KINDS[round < KINDS.length ? round : Math.floor(random() * KINDS.length)]!;
        await strike(cluster, kind, random);
        await progress();
      }
      await progress();
      goesOn = false;
      await failed;
      busy.disable();

      const total = models.reduce((sum, { ids }) => sum + ids.length, 0);
      const stored: string[] = [];
      for (const [n, { ids }] of models.entries()) {
        const found = await all(stores[0].readStream(laneOf(n)));
        expect(found.map(({ id }) => id)).toEqual(ids);
        expect(found.map(({ revision }) => revision)).toEqual(ids.map((_, i) => i));
        expect(new Set(ids).size).toBe(ids.length);
      }
      for await (const batch of stores[0].readAll())
        for (const { stream, revision, id } of batch) stored.push(placed(stream, revision, id));
      expect(stored).toHaveLength(total);
      for (const each of seen) {
        await eventually(
          async () => each.length,
          (count) => count >= total,
          PROGRESS_WITHIN_MS,
        );
        expect(each).toEqual(stored);
      }
      const longest = Math.max(...models.map(({ longestMs }) => longestMs));
      const busyMs = Math.ceil(busy.max / 1e6);
      const sum = (of: (model: Model) => number): number => models.reduce((count, model) => count + of(model), 0);
      process.stdout.write(
        `${ROUNDS} rounds at scale ${SCALE}, seed ${SEED}: ${sum(({ appends }) => appends)} appends, ${total} entries, ` +
          `${sum(({ repeats }) => repeats)} repeats, ${sum(({ late }) => late)} told to send again, longest ${longest} ms ` +
          `(busy for ${busyMs} ms), ${Math.round((Date.now() - began) / 1000)} s\n`,
      );
      expect(longest).toBeLessThan(SETTLE_WITHIN_MS + busyMs + SLACK_MS);

      stopping.abort();
      await Promise.all(watching);
    },
    60_000 + ROUNDS * (PROGRESS_WITHIN_MS + scaled(30_000)),
  );
});
