import { Lane, StreamNotFound, WrongExpectedRevision, type EventStore, type NewEntry } from '@sijill/event-store';
import fc from 'fast-check';
import { FULL_RUN } from '../support/full-run.js';
import { all, entries } from './event-store.contract.js';

const RUNS = Number(process.env['SIJILL_TEST_RUNS'] ?? (FULL_RUN ? 5_000 : 300));
const SEED = Number(process.env['SIJILL_TEST_SEED'] ?? Math.floor(Math.random() * 2 ** 31));

/** A handle on a store, and how its process or its server is started again on the same data. */
export interface Restartable {
  store: EventStore;
  restart(): Promise<EventStore>;
}

/** What a store is taken to be: streams of ids, and all ids in one order. */
interface Model {
  readonly streams: Map<string, string[]>;
  readonly order: string[];
  /** Appends that were answered, to be repeated: what was sent, where, and the answer. */
  readonly appends: { stream: string; sent: NewEntry[]; expected: number; revision: number; position: number }[];
}

interface Real {
  readonly handle: Restartable;
  /** Keeps the streams of one run apart from all others. */
  readonly prefix: string;
  /** Where the log stood when the run began. */
  readonly start: number;
  /** Two writers that share a lane. */
  lanes: Lane[];
}

type Command = fc.AsyncCommand<Model, Real>;

const STREAMS = ['a', 'b', 'c'];
const SHARED = 'shared';

/** Appends to a stream at its end, or where another writer would have to be. */
class Append implements Command {
  constructor(
    private readonly stream: string,
    private readonly count: number,
    /** How far the expected revision is off: 0 is right. */
    private readonly off: number,
  ) {}

  check(): boolean {
    return true;
  }

  async run(model: Model, { handle: { store }, prefix }: Real): Promise<void> {
    const ids = model.streams.get(this.stream) ?? [];
    const expected = Math.max(-1, ids.length - 1 + this.off);
    const sent = entries(this.count);
    const appending = store.append(prefix + this.stream, sent, expected === -1 ? 'no_stream' : expected);
    if (expected !== ids.length - 1) {
      const refusal: unknown = await appending.catch((error: unknown) => error);
      expect(refusal).toBeInstanceOf(WrongExpectedRevision);
      expect((refusal as WrongExpectedRevision).actual).toBe(ids.length - 1);
      return;
    }
    const { revision, position } = await appending;
    expect(revision).toBe(expected + this.count);
    expect(position).toBeGreaterThan(model.appends.at(-1)?.position ?? 0);
    note(model, this.stream, sent);
    model.appends.push({ stream: this.stream, sent, expected, revision, position });
  }

  toString(): string {
    return `append(${this.stream}, ${this.count}, ${this.off})`;
  }
}

/** Sends an append again that was answered before: it is answered as the first time. */
class Repeat implements Command {
  constructor(private readonly which: number) {}

  check(model: Readonly<Model>): boolean {
    return model.appends.length > 0;
  }

  async run(model: Model, { handle: { store }, prefix }: Real): Promise<void> {
    const { stream, sent, expected, revision, position } = model.appends[this.which % model.appends.length]!;
    const answer = await store.append(prefix + stream, sent, expected === -1 ? 'no_stream' : expected);
    expect(answer).toMatchObject({ revision, position });
  }

  toString(): string {
    return `repeat(${this.which})`;
  }
}

/** Appends to several streams at once; the answers tell in which order they came to stand. */
class AppendTogether implements Command {
  constructor(private readonly counts: readonly number[]) {}

  check(): boolean {
    return true;
  }

  async run(model: Model, { handle: { store }, prefix }: Real): Promise<void> {
    const appended = await Promise.all(
      this.counts.map(async (count, i) => {
        const stream = STREAMS[i]!;
        const sent = entries(count);
        const expected = (model.streams.get(stream) ?? []).length - 1;
        const answer = await store.append(prefix + stream, sent, expected === -1 ? 'no_stream' : expected);
        return { stream, sent, expected, ...answer };
      }),
    );
    for (const append of appended.sort((a, b) => a.position - b.position)) {
      note(model, append.stream, append.sent);
      model.appends.push(append);
    }
  }

  toString(): string {
    return `appendTogether(${this.counts.join(', ')})`;
  }
}

/** Appends through two writers that share a lane and know nothing of each other. */
class AppendToLane implements Command {
  constructor(
    private readonly writer: number,
    private readonly count: number,
  ) {}

  check(): boolean {
    return true;
  }

  async run(model: Model, { lanes }: Real): Promise<void> {
    const sent = entries(this.count);
    const { revision } = await lanes[this.writer]!.append(sent);
    note(model, SHARED, sent);
    expect(revision).toBe(model.streams.get(SHARED)!.length - 1);
  }

  toString(): string {
    return `appendToLane(${this.writer}, ${this.count})`;
  }
}

class ReadStream implements Command {
  constructor(
    private readonly stream: string,
    private readonly direction: 'forwards' | 'backwards',
    private readonly from: number | undefined,
    private readonly limit: number | undefined,
  ) {}

  check(): boolean {
    return true;
  }

  async run(model: Model, { handle: { store }, prefix }: Real): Promise<void> {
    const ids = model.streams.get(this.stream);
    const { direction, from, limit } = this;
    const reading = all(
      store.readStream(prefix + this.stream, {
        direction,
        ...(from === undefined ? {} : { from }),
        ...(limit === undefined ? {} : { limit }),
      }),
    );
    if (ids === undefined) {
      await expect(reading).rejects.toBeInstanceOf(StreamNotFound);
      return;
    }
    const numbered = ids.map((id, revision) => `${revision} ${id}`);
    const wanted =
      direction === 'forwards' ? numbered.slice(from ?? 0) : numbered.slice(0, (from ?? Infinity) + 1).reverse();
    expect((await reading).map(({ id, revision }) => `${revision} ${id}`)).toEqual(wanted.slice(0, limit));
  }

  toString(): string {
    return `readStream(${this.stream}, ${this.direction}, ${this.from}, ${this.limit})`;
  }
}

/** Reads or follows the log from behind an append, or from where the run began; the end of it is the head. */
class ReadLog implements Command {
  constructor(
    private readonly how: 'read' | 'follow',
    private readonly which: number | undefined,
    private readonly batchSize: number,
  ) {}

  check(model: Readonly<Model>): boolean {
    return model.order.length > 0;
  }

  async run(model: Model, { handle: { store }, prefix, start }: Real): Promise<void> {
    const behind = this.which === undefined ? undefined : model.appends[this.which % (model.appends.length + 1)];
    const wanted =
      behind === undefined ? model.order : model.order.slice(model.order.indexOf(behind.sent.at(-1)!.id) + 1);
    const after = behind?.position ?? start;
    const found: { id: string; position: number }[] = [];
    if (this.how === 'read') {
      for await (const batch of store.readAll({ after, batchSize: this.batchSize }))
        found.push(...batch.filter(({ stream }) => stream.startsWith(prefix)));
    } else if (wanted.length > 0) {
      const stop = new AbortController();
      for await (const batch of store.subscribeToAll({ after, batchSize: this.batchSize, signal: stop.signal })) {
        found.push(...batch.filter(({ stream }) => stream.startsWith(prefix)));
        if (found.length >= wanted.length) stop.abort();
      }
    }
    expect(found.map(({ id }) => id)).toEqual(wanted);
    const positions = found.map(({ position }) => position);
    expect(positions).toEqual([...new Set(positions)].sort((a, b) => a - b));
    if (found.length > 0) expect(await store.head()).toBeGreaterThanOrEqual(positions.at(-1)!);
  }

  toString(): string {
    return `${this.how}(${this.which}, ${this.batchSize})`;
  }
}

class Restart implements Command {
  check(): boolean {
    return true;
  }

  async run(_: Model, real: Real): Promise<void> {
    await Promise.all(real.lanes.map((lane) => lane.close()));
    real.handle.store = await real.handle.restart();
    real.lanes = await lanesOf(real.handle.store, real.prefix);
  }

  toString(): string {
    return 'restart';
  }
}

function note(model: Model, stream: string, sent: readonly NewEntry[]): void {
  const ids = sent.map(({ id }) => id);
  model.streams.set(stream, [...(model.streams.get(stream) ?? []), ...ids]);
  model.order.push(...ids);
}

function lanesOf(store: EventStore, prefix: string): Promise<Lane[]> {
  return Promise.all(
    [0, 1].map(() => Lane.open(store, prefix + SHARED, { onOtherWriter: 'follow', whenFull: 'refuse' })),
  );
}

const stream = fc.constantFrom(...STREAMS, SHARED);
const count = fc.integer({ min: 1, max: 4 });
const optional = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(arbitrary, { nil: undefined });

/** A restart is dear, and so it is rare. */
const COMMANDS: fc.Arbitrary<Command>[] = [
  fc.tuple(stream, count, fc.constantFrom(0, 0, 0, 0, -1, 1)).map((args) => new Append(...args)),
  fc.nat({ max: 20 }).map((which) => new Repeat(which)),
  fc.array(count, { minLength: 2, maxLength: STREAMS.length }).map((counts) => new AppendTogether(counts)),
  fc.tuple(fc.constantFrom(0, 1), count).map((args) => new AppendToLane(...args)),
  fc
    .tuple(
      stream,
      fc.constantFrom('forwards' as const, 'backwards' as const),
      optional(fc.nat({ max: 12 })),
      optional(fc.integer({ min: 1, max: 6 })),
    )
    .map((args) => new ReadStream(...args)),
  fc
    .tuple(
      fc.constantFrom('read' as const, 'follow' as const),
      optional(fc.nat({ max: 20 })),
      fc.integer({ min: 1, max: 5 }),
    )
    .map((args) => new ReadLog(...args)),
  fc.nat({ max: 9 }).map((n) => (n === 0 ? new Restart() : new ReadLog('read', undefined, 500))),
];

/**
 * Compares a store with a model of plain arrays, over commands in an order of chance; a counter-example is made small, and is
 * printed with the seed that brings it back.
 *
 * @param open opens the store; called once, what the property opens again it closes
 */
export function eventStoreModel(open: () => Promise<Restartable>): void {
  it(
    `is what a model of plain arrays is (${RUNS} runs, seed ${SEED})`,
    async () => {
      const handle = await open();
      let runs = 0;
      await fc.assert(
        fc.asyncProperty(fc.commands(COMMANDS, { maxCommands: 20 }), async (commands) => {
          const prefix = `ledger-model-${SEED}-${runs++}-`;
          const lanes = await lanesOf(handle.store, prefix);
          const real: Real = { handle, prefix, start: await handle.store.head(), lanes };
          const model: Model = { streams: new Map(), order: [], appends: [] };
          await fc.asyncModelRun(() => ({ model, real }), commands);
          await Promise.all(real.lanes.map((lane) => lane.close()));
        }),
        { numRuns: RUNS, seed: SEED },
      );
      await handle.store.close();
      process.stdout.write(`event store model: ${runs} runs, seed ${SEED}, no mismatch\n`);
    },
    FULL_RUN ? 1_800_000 : 180_000,
  );
}
