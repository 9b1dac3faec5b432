import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { StoredEntry } from '@sijill/event-store';
import { newEntryId, systemClock } from '@sijill/platform';
import { seeded } from '../support/seeded.js';
import { ReadModels } from '@sijill/read-models';

const RUNS = 25;
const SEED = Number(process.env['SIJILL_TEST_SEED'] ?? Math.floor(Math.random() * 2 ** 31));

interface Said {
  readonly generation: string;
  readonly tag: string;
  readonly digest: string;
  readonly subject: number;
  readonly index: number;
  readonly of: number;
}

interface Judged {
  readonly standing: 'first' | 'repeat' | 'conflict';
  readonly first: number | null;
}

/**
 * What each entry counts as, said by looking at all that is before it. The content that came first under an identity is the event,
 * others are conflicts. Of each content an entry counts if nothing before it says the same of the same person; of the event it is
 * `first` if no entry that counts had its part before.
 */
function judged(all: readonly Said[]): Judged[] {
  const verdicts: Judged[] = [];
  for (const [at, said] of all.entries()) {
    const before = all
      .slice(0, at)
      .map((each, i) => ({ ...each, i }))
      .filter(({ generation, tag }) => generation === said.generation && tag === said.tag);
    const same = before.filter(({ digest }) => digest === said.digest);
    const own = same.find(({ subject }) => subject === said.subject);
    const hasPart = same.some(({ index, i }) => index === said.index && verdicts[i]!.standing !== 'repeat');
    const isEvent = before.length === 0 || before[0]!.digest === said.digest;
    verdicts.push({
      standing: own !== undefined ? 'repeat' : isEvent && !hasPart ? 'first' : 'conflict',
      first: own?.i ?? before[0]?.i ?? null,
    });
  }
  return verdicts;
}

/** Events of one to three subjects, some cut, many sent again, whole or not, under few identities. */
function drawn(random: () => number, count: number): Said[] {
  const below = (n: number): number => Math.floor(random() * n);
  const all: Said[] = [];
  while (all.length < count) {
    const tag = `t${below(6)}`;
    const digest = `d${below(3)}`;
    const of = 1 + ((tag.charCodeAt(1) + digest.charCodeAt(1)) % 3);
    const last = random() < 0.3 ? below(of) : of - 1;
    const generation = random() < 0.2 ? '2026Q2' : '2026Q3';
    // The same content has the same people, unless the directory has changed since.
    const person = (index: number): number => (random() < 0.8 ? index : below(4));
    for (let index = 0; index <= last; index++)
      all.push({ generation, tag, digest, subject: person(index), index, of });
    // Two lanes at once: what came last is mixed with what came before.
    if (random() < 0.2 && all.length > 1) all.splice(below(all.length), 0, all.pop()!);
  }
  return all;
}

function entryOf({ generation, tag, digest, subject, index, of }: Said, at: number): StoredEntry {
  return {
    id: newEntryId(),
    type: 'sijill.data.disclosed.v1',
    data: { subjectId: `5b1f2d2c-51a0-4f0e-9d52-0a1f5f0c7ba${subject}`, occurredAt: '2026-07-01T00:00:00.000Z' },
    metadata: {
      recordedAt: '2026-08-01T00:00:00.000Z',
      producer: 'gateway',
      source: '/a',
      event: { generation, tag, digest },
      ...(of === 1 ? {} : { part: { index, of } }),
    },
    stream: 'ledger-http/a',
    revision: at,
    position: at + 1,
    sealed: {},
    foreign: false,
  };
}

describe('standings', () => {
  it(`are what a look at the whole ledger says, however it is cut into batches (seed ${SEED})`, async () => {
    const random = seeded(SEED);
    const counted = new Set<string>();
    for (let run = 0; run < RUNS; run++) {
      const all = drawn(random, 5 + Math.floor(random() * 60));
      const entries = all.map(entryOf);
      const file = join(mkdtempSync(join(tmpdir(), 'sijill-standings-')), 'read-models.sqlite');
      const models = await ReadModels.open({ kind: 'sqlite', file }, systemClock);
      for (let from = 0; from < entries.length;) {
        const size = 1 + Math.floor(random() * 12);
        await models.apply(entries.slice(from, from + size), from);
        from += size;
      }
      const { reader } = models.sql;
      const rows = await reader.selectFrom('entry').selectAll().orderBy('position').execute();
      const expected = judged(all);
      expect(rows.map(({ standing, first_entry_id }) => ({ standing, first: first_entry_id }))).toEqual(
        expected.map(({ standing, first }) => ({ standing, first: first === null ? null : entries[first]!.id })),
      );
      const shown = await reader.selectFrom('activity').select(['entry_id', 'standing']).orderBy('position').execute();
      expect(shown.map(({ entry_id, standing }) => [entry_id, standing])).toEqual(
        entries.flatMap(({ id }, i) => (expected[i]!.standing === 'repeat' ? [] : [[id, expected[i]!.standing]])),
      );
      for (const { standing, first } of expected) counted.add(`${standing} ${first === null ? 'alone' : 'behind'}`);
      await models.close();
    }
    // The draw has met all that there is.
    expect([...counted].sort()).toEqual(['conflict behind', 'first alone', 'first behind', 'repeat behind']);
  });
});
