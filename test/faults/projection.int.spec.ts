import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { PassThrough, type Writable } from 'node:stream';
import { setTimeout } from 'node:timers/promises';
import { sql } from 'kysely';
import { openEmbeddedStore, type EventStore } from '@sijill/event-store';
import { createLogger, Metrics, systemClock, type SqlTarget } from '@sijill/platform';
import { ProjectionFailed, Projector, ReadModels } from '@sijill/read-models';
import { disclosureEntry } from '../support/disclosure-entries.js';
import { authentic } from '../support/entry-keys.js';
import { FULL_RUN } from '../support/full-run.js';
import { describeWithPostgres } from '../support/postgres/describe-with-postgres.js';
import { seeded } from '../support/seeded.js';
import { eventually, freshDataDir } from '../support/sijill.js';

const KILLS = Number(process.env['SIJILL_TEST_PROJECTION_KILLS'] ?? (FULL_RUN ? 100 : 4));
const SEED = Number(process.env['SIJILL_TEST_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
const PROGRAM = join(import.meta.dirname, '../support/projecting.program.ts');

const silent = createLogger('silent');
const sqliteFile = (): SqlTarget => ({ kind: 'sqlite', file: join(freshDataDir('projection'), 'read-models.sqlite') });

function contract(name: string, freshTarget: () => Promise<SqlTarget>): void {
  describe(`read models in ${name}`, () => {
    let file: string;
    let store: EventStore;
    let target: SqlTarget;
    let models: ReadModels;
    let written = 0;
    const children = new Set<ChildProcess>();
    beforeEach(async () => {
      file = join(freshDataDir('projection'), 'ledger.sqlite');
      store = authentic(openEmbeddedStore({ file, pollMs: 10 }));
      target = await freshTarget();
      models = await ReadModels.open(target, systemClock);
      written = 0;
    });
    afterEach(async () => {
      for (const child of children) child.kill('SIGKILL');
      children.clear();
      await models.close();
      await store.close();
    });

    const write = async (count: number): Promise<number> => {
      const behind = written === 0 ? 'no_stream' : written - 1;
      const entries = Array.from({ length: count }, () => disclosureEntry(`event-${written}`, { n: written++ }));
      return (await store.append('ledger-a', entries, behind)).position;
    };
    /** The content that the store gives, made anew elsewhere. */
    const trueDigest = async (): Promise<string> => {
      const fresh = await ReadModels.open(sqliteFile(), systemClock);
      await fresh.catchUp(store);
      const digest = await fresh.digest();
      await fresh.close();
      return digest;
    };
    const projecting = (metrics = new Metrics(), logger = silent): Projector => {
      const projector = new Projector(store, models, metrics, logger);
      projector.start();
      return projector;
    };
    const failWith = async (table: string, broken: boolean): Promise<void> => {
      const { dialect, writer } = models.sql;
      const statements =
        dialect === 'sqlite'
          ? broken
            ? [
                `create trigger broken before insert on ${table} when new.position > 100 begin select raise(abort, 'x'); end`,
              ]
            : ['drop trigger broken']
          : broken
            ? [`alter table ${table} add constraint broken check (position <= 100)`]
            : [`alter table ${table} drop constraint broken`];
      for (const statement of statements) await sql.raw(statement).execute(writer);
    };

    it('stop alone when they throw, visibly, and go on after the fix, without a restart', async () => {
      await failWith('activity', true);
      const metrics = new Metrics();
      const projector = projecting(metrics);
      await write(100);
      const end = await write(400);
      await models.waitFor(end, 20_000, 'entries');
      await models.waitFor(end, 20_000, 'quarantine');
      const { state, detail } = await eventually(
        async () => projector.health,
        (health) => health.state === 'behind',
      );
      expect([state, detail]).toEqual([
        'behind',
        expect.stringMatching(/^activity-timeline stopped at position 100 \(\w+\)$/),
      ]);
      expect((await models.asOf('activity-timeline')).position).toBe(100);
      expect(await metrics.registry.metrics()).toContain('sijill_projection_failing{read_model="activity-timeline"} 1');
      const more = await write(50);
      expect((await models.waitFor(more, 20_000, 'entries')).position).toBe(more);

      await failWith('activity', false);
      expect((await models.waitFor(more, 30_000)).position).toBe(more);
      await eventually(
        async () => projector.health.state,
        (now) => now === 'running',
      );
      expect(await metrics.registry.metrics()).toContain('sijill_projection_failing{read_model="activity-timeline"} 0');
      await projector.stop();
      expect(await models.digest()).toBe(await trueDigest());
    }, 90_000);

    it('wait for the catalogue that decides what counts, while the others go on, and are left in peace meanwhile', async () => {
      await failWith('entry', true);
      let logged = 0;
      const log = new PassThrough().on('data', () => logged++) as Writable as NodeJS.WriteStream;
      const projector = projecting(new Metrics(), createLogger('error', log));
      await write(100);
      let end = 0;
      for (let i = 0; i < 4; i++) end = await write(500);
      expect((await models.waitFor(end, 20_000, 'quarantine')).position).toBe(end);
      await eventually(
        async () => projector.health.detail,
        (detail) => detail?.includes('activity-timeline waits for entries') === true,
      );
      expect((await models.asOf('activity-timeline')).position).toBe(100);
      // A pause lies between any two tries, so that they are few.
      await setTimeout(1_500);
      expect(logged).toBeGreaterThan(0);
      expect(logged).toBeLessThan(20);
      await failWith('entry', false);
      expect((await models.waitFor(end, 30_000)).position).toBe(end);
      await projector.stop();
      expect(await models.digest()).toBe(await trueDigest());
    }, 90_000);

    it('that throw are not tried again by reading all that lies behind', async () => {
      await failWith('activity', true);
      for (let i = 0; i < 6; i++) await write(500);
      await expect(models.catchUp(store)).rejects.toBeInstanceOf(ProjectionFailed);
      expect((await models.asOf('entries')).position).toBe(3_000);
      const reached: number[] = [];
      await expect(models.catchUp(store, (position) => reached.push(position))).rejects.toBeInstanceOf(
        ProjectionFailed,
      );
      expect(reached).toEqual([]);
      await failWith('activity', false);
      // The batch over which it stopped had rows that went in before the one that did not.
      await models.catchUp(store);
      expect(await models.digest()).toBe(await trueDigest());
    });

    it('are made again beside the live ones, which go on meanwhile', async () => {
      for (let i = 0; i < 12; i++) await write(500);
      const projector = projecting();
      await models.waitFor(6_000, 30_000);
      const lived: number[] = [];
      let rebuilding = true;
      const traffic = (async () => {
        while (rebuilding) {
          const position = await write(20);
          if ((await models.waitFor(position, 5_000)).position >= position) lived.push(position);
          await setTimeout(20);
        }
      })();
      const reached: number[] = [];
      const { unchanged } = await models.rebuild(store, undefined, {
        compare: true,
        onProgress: (position) => reached.push(position),
      });
      rebuilding = false;
      await traffic;
      expect(unchanged).toBe(true);
      expect(reached.length).toBeGreaterThan(2);
      expect([...reached].sort((a, b) => a - b)).toEqual(reached);
      expect(lived.length).toBeGreaterThan(1);
      const end = await write(10);
      expect((await models.waitFor(end, 20_000)).position).toBe(end);
      await projector.stop();
      expect(await models.digest()).toBe(await trueDigest());
    }, 90_000);

    it(
      `have all and nothing twice after ${KILLS} kills of who projects and who rebuilds (seed ${SEED})`,
      async () => {
        const random = seeded(SEED);
        const start = async (what: 'project' | 'rebuild'): Promise<{ child: ChildProcess; gone: Promise<unknown> }> => {
          const child = fork(PROGRAM, [what, file, JSON.stringify(target)], { execArgv: ['--import', 'tsx'] });
          children.add(child);
          const gone = once(child, 'exit').finally(() => children.delete(child));
          const early = gone.then(() => Promise.reject(new Error(`the process that was to ${what} ended by itself`)));
          await Promise.race([once(child, 'message'), early]);
          early.catch(() => undefined);
          return { child, gone };
        };
        for (let kill = 0; kill < KILLS; kill++) {
          const started = await Promise.all([start('project'), ...(kill % 2 === 1 ? [start('rebuild')] : [])]);
          for (const until = Date.now() + 20 + random() * 400; Date.now() < until;) await write(100);
          for (const { child } of started) child.kill('SIGKILL');
          await Promise.all(started.map(({ gone }) => gone));
        }
        await models.catchUp(store);
        expect(await models.digest()).toBe(await trueDigest());
        const { unchanged } = await models.rebuild(store, undefined, { compare: true });
        expect(unchanged).toBe(true);
      },
      KILLS * 10_000 + 60_000,
    );
  });
}

contract('SQLite', async () => sqliteFile());
describeWithPostgres('with PostgreSQL', (postgres) => {
  contract('PostgreSQL', async () => ({ kind: 'postgresql', url: await postgres.freshDatabase('read_models') }));
});
