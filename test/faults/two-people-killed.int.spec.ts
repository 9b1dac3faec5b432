import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { CONFIRMATION_ASKED, CONFIRMATION_DECLINED, CONFIRMATION_GIVEN } from '@sijill/cases';
import { drainOutbox, LANES, type StoredEntry } from '@sijill/event-store';
import { vaultOutbox } from '@sijill/ledger';
import { systemClock } from '@sijill/platform';
import { createKeyring } from '@sijill/vault';
import { FULL_RUN } from '../support/full-run.js';
import { MortalProcess } from '../support/mortal-process.js';
import { seeded } from '../support/seeded.js';
import { freshDataDir } from '../support/sijill.js';
import { embeddedPlace } from '../support/store-places.js';
import { officer, openDesk, somebody, type Places } from '../support/two-people/desk.js';
import type { Death, Order, Reply } from '../support/two-people/two-people.program.js';

const ROUNDS = Number(process.env['SIJILL_TEST_TWO_PEOPLE_ROUNDS'] ?? (FULL_RUN ? 17 : 1));
const SEED = Number(process.env['SIJILL_TEST_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
const PROGRAM = join(import.meta.dirname, '../support/two-people/two-people.program.ts');
const DEATHS: readonly Death[] = ['inside', 'committed', 'drained'];

/** One of the two processes. */
type Server = MortalProcess<Order, Reply>;

describe('two people on two processes that are killed', () => {
  it(
    `ask, answer and fetch each once, whichever dies at which step (seed ${SEED})`,
    async () => {
      const random = seeded(SEED);
      const folder = freshDataDir('two-people-killed');
      const keyring = join(folder, 'keyring.json');
      createKeyring(keyring, '2026-07-01T00:00:00.000Z');
      const file = (name: string) => ({ kind: 'sqlite', file: join(folder, name) }) as const;
      const places: Places = { vault: file('vault.sqlite'), access: file('access.sqlite'), keyring };
      const place = await embeddedPlace();
      const desk = await openDesk(places, systemClock);
      const [huda, noura] = [await officer(desk, 'Huda'), await officer(desk, 'Noura')];
      const args = [place.where, JSON.stringify(places)];
      const servers = [
        new MortalProcess<Order, Reply>(PROGRAM, args),
        new MortalProcess<Order, Reply>(PROGRAM, args),
      ] as const;
      const through = (): Server => servers[random() < 0.5 ? 0 : 1];
      const all = new Set<string>();
      const expected = new Map<string, { answer: string; separated: number }>();
      const newest = async (): Promise<string> => {
        const { items } = await desk.confirmations.list({ limit: 1000 });
        const made = items.map(({ confirmationId }) => confirmationId).filter((id) => !all.has(id));
        expect(made).toHaveLength(1);
        all.add(made[0]!);
        return made[0]!;
      };
      try {
        for (let round = 0; round < ROUNDS; round++)
          for (const die of DEATHS) {
            const pair = [
              await somebody(desk, `a-${round}-${die}@example.com`, 0),
              await somebody(desk, `b-${round}-${die}@example.com`, 0),
            ] as const;
            const isSeparation = random() < 0.5;
            const asking = isSeparation
              ? ({ do: 'separate', subjectIds: pair } as const)
              : ({ do: 'ask', entryId: randomUUID() } as const);
            // Whoever is not told asks once more where nothing was asked, and finds it where something was.
            expect(await through().obey({ ...asking, reader: huda, die })).toBeNull();
            if (die === 'inside')
              expect(await through().obey({ ...asking, reader: huda, die: null })).toMatch(/^[\da-f-]{36}$/);
            const confirmationId = await newest();
            expect(await through().obey({ do: 'answer', confirmationId, kind: 'given', reader: huda, die: null })).toBe(
              'own_request',
            );

            const kind = random() < 0.7 ? 'given' : 'declined';
            const answering = { do: 'answer', confirmationId, kind, reader: noura } as const;
            expect(await through().obey({ ...answering, die })).toBeNull();
            const again = await Promise.all(servers.map((server) => server.obey({ ...answering, die: null })));
            expect(again.toSorted()).toEqual(die === 'inside' ? ['answered', 'done'] : ['answered', 'answered']);
            expected.set(confirmationId, {
              answer: kind === 'given' ? CONFIRMATION_GIVEN : CONFIRMATION_DECLINED,
              separated: isSeparation && kind === 'given' ? 2 : 0,
            });

            if (isSeparation || kind === 'declined') continue;
            const fetching = { do: 'fetch', confirmationId, reader: huda } as const;
            // What was used up by a death is used up; what was not is there, for one of two.
            if (die !== 'drained') expect(await through().obey({ ...fetching, die })).toBeNull();
            const fetched = await Promise.all(servers.map((server) => server.obey({ ...fetching, die: null })));
            expect(fetched.toSorted()).toEqual(die === 'committed' ? ['fetched', 'fetched'] : ['done', 'fetched']);
          }
        await drainOutbox(place.store, LANES.vault, vaultOutbox(desk.vault));
        const entries: StoredEntry[] = [];
        for await (const batch of place.store.readAll()) entries.push(...batch);
        expect(entries.filter(({ foreign }) => foreign)).toEqual([]);
        expect(expected.size).toBe(ROUNDS * DEATHS.length);
        for (const [id, { answer, separated }] of expected) {
          const own = entries.filter(({ data }) => data['confirmation'] === id).map(({ type }) => type);
          expect(own).toEqual([CONFIRMATION_ASKED, answer]);
          expect(entries.filter(({ data }) => data['separation'] === id)).toHaveLength(separated);
        }
      } finally {
        for (const server of servers) await server.stop();
        await desk.close();
        await place.stop();
      }
    },
    60_000 + ROUNDS * 60_000,
  );
});
