import fc from 'fast-check';
import { canonicalJson } from '../canonical-json.js';
import type { LeafEntry } from '../leaf-entry.js';
import { formatCheckpoint } from '../note/checkpoint.js';
import { cosign } from '../note/cosignature.js';
import type { Trust } from '../note/open-checkpoint.js';
import { formatNote, signNote } from '../note/signed-note.js';
import { verifierKey } from '../note/verifier-key.js';
import { concat, FormatInvalid, toBase64, utf8 } from '../primitives/bytes.js';
import { signingKey } from '../primitives/crypto.js';
import { formatMapProof } from '../subject-map/map-proof.js';
import { entryKind, type EntryKind } from '../subject-map/entry-kind.js';
import { chainKey } from '../subject-map/subject-chain.js';
import { SubjectMap, type MapTiles } from '../subject-map/subject-map.js';
import { subtreesBetween } from '../tree/compact-range.js';
import { hashLeafText, hashNode } from '../tree/hashing.js';
import { ProofInvalid, treeRoot } from '../tree/proofs.js';
import type { ReadHash } from '../tree/subtrees.js';
import {
  formatProofEnd,
  formatProofHead,
  formatProofItem,
  ProofReader,
  type ProofHead,
  type ProofItem,
  type ProvenSubject,
} from './accounting-proof.js';
import { CONFLICTING, LINKED, SEPARATED } from './linked-subjects.js';
import { proofLines, ProofPacker } from './proof-file.js';
import { Standings, type LeafStanding } from './standings.js';
import { ACCOUNTING_KINDS, MAP_LANE, SUBJECTS_MAPPED, verifyAccountingProof } from './verify-accounting-proof.js';
import { verifyReport } from './verify-report.js';

const AYA = '0b9f6a52-6b6e-4c53-9d0f-0c7baa000001';
const OMAR = '0b9f6a52-6b6e-4c53-9d0f-0c7baa000002';
const STRANGER = '0b9f6a52-6b6e-4c53-9d0f-0c7baa000003';
const ORIGIN = 'log.example/ledger';
const DISCLOSED = 'sijill.data.disclosed.v1';
const [logKey, witnessKey] = [signingKey(new Uint8Array(32).fill(1)), signingKey(new Uint8Array(32).fill(2))];
const witness = verifierKey('w.example', 'cosignature/v1', witnessKey.publicKey);
const TRUST: Trust = { log: [verifierKey(ORIGIN, 'ed25519', logKey.publicKey)] };

interface Event {
  readonly type?: string;
  readonly subjectId: string;
  readonly eventId: string;
  readonly month: number;
  readonly recipient?: string;
  readonly id?: string;
  /** What it says, when that is not what its recipient and month say. */
  readonly digest?: string;
  readonly part?: { readonly index: number; readonly of: number };
}

/** A proof, taken apart so that it can be changed before it is written. */
interface AccountingProof {
  head: ProofHead;
  items: ProofItem[];
  checkpoint: string;
}

interface Wished {
  /** By which of the maps, and of how many leaves the report says that there are. */
  readonly which?: number;
  readonly leaves?: number;
  readonly linked?: readonly string[];
  readonly kinds?: readonly EntryKind[];
  /** These leaves alone, where it is not to be complete. */
  readonly only?: readonly number[];
  /** Leaves that are withheld. */
  readonly withheld?: readonly number[];
}

/** A ledger of its own: what was recorded, and after any of it the map so far. */
class SmallLog {
  readonly leaves: string[] = [];
  readonly maps: { index: number; size: number; map: SubjectMap }[] = [];
  private tiles = new Map<string, Uint8Array>();

  record({ type = DISCLOSED, subjectId, eventId, month, recipient = 'Courier', id, digest, part }: Event): number {
    const occurredAt = `2026-0${month}-05T08:00:00.000Z`;
    const data = {
      dataCategories: ['usage.logs', 'contact.email'],
      has: ['request.reference'],
      occurredAt,
      purpose: 'provide_services',
      recipient: {
        class: 'service_provider',
        country: 'SA',
        id: recipient.toLowerCase(),
        kind: 'organization',
        name: recipient,
      },
      role: 'user',
      sealed: { subject: 'x' },
      subjectId,
    };
    const event = { digest: digest ?? `${recipient}${month}`, generation: '2026Q1', tag: eventId };
    const metadata = {
      event,
      format: 2,
      producer: 'app',
      recordedAt: occurredAt,
      source: '/app',
      ...(part && { part }),
    };
    return this.add(type, 'ledger-http/0', data, metadata, id);
  }

  /** What the vault decided about one subject. */
  decide(type: string, subjectId: string, data: object): number {
    return this.add(type, 'ledger-vault', { occurredAt: '2026-01-01T00:00:00.000Z', subjectId, ...data });
  }

  add(type: string, lane: string, data: object, metadata: object = {}, id?: string): number {
    const at = this.leaves.length;
    this.leaves.push(canonicalJson({ data, id: id ?? `entry-${at}`, lane, metadata, revision: at, type }));
    return at;
  }

  /** Writes the map of all that there is into the log; some of its statement can be said wrongly. */
  async writeMap(wrongly: object = {}, type = SUBJECTS_MAPPED, lane = MAP_LANE): Promise<void> {
    const size = this.leaves.length;
    const entries = this.leaves.flatMap((leaf, i) => {
      const { data, type } = entryOf(leaf);
      if (data?.subjectId === undefined) return [];
      return [{ key: chainKey(data.subjectId, entryKind(type)), leafIndex: BigInt(i), leafHash: hashLeafText(leaf) }];
    });
    this.tiles = new Map();
    const tiles = this.tiles;
    const map = new SubjectMap({
      read: (prefixes) =>
        Promise.resolve(new Map(prefixes.filter((at) => tiles.has(at)).map((at) => [at, tiles.get(at)!]))),
    } satisfies MapTiles);
    const { root, written } = await map.extend(entries);
    for (const [prefix, tile] of written) tiles.set(prefix, tile);
    const said = { occurredAt: '2026-07-01T00:00:00.000Z', root: toBase64(root), size: String(size), chains: '2' };
    const index = this.add(type, lane, { ...said, ...wrongly });
    this.maps.push({ index, size, map });
  }

  /** What an honest ledger says of a subject and those linked to it, by its last map or one before. */
  async prove(subject: string, wished: Wished = {}): Promise<AccountingProof> {
    const { which = -1, leaves = this.leaves.length, linked = [], kinds = ACCOUNTING_KINDS, only } = wished;
    const { index, size, map } = this.maps.at(which)!;
    const total = BigInt(this.leaves.length);
    const root = treeRoot(total, this.read);
    const text = formatCheckpoint({ origin: ORIGIN, size: total, root, extensions: [] });
    const signatures = [signNote(text, ORIGIN, logKey), cosign(text, witness.name, witnessKey, 9n)];
    const people = [subject, ...linked];
    const shown = this.leaves.flatMap((leaf, at) => {
      const { data, type } = entryOf(leaf);
      const isTheirs = people.includes(data?.subjectId ?? '') && kinds.includes(entryKind(type));
      return at < size && isTheirs && only?.includes(at) !== false ? [at] : [];
    });
    const subjects: ProvenSubject[] = [];
    for (const each of people) {
      const chains = [];
      for (const kind of only === undefined ? kinds : [])
        chains.push({ kind, proof: formatMapProof((await map.prove(chainKey(each, kind))).proof) });
      subjects.push({ subject: each, chains });
    }
    const head = { position: 900n, leaves: only === undefined ? BigInt(Math.min(leaves, size)) : null, subjects };
    const items = this.items(only === undefined ? [...shown, index] : shown, wished.withheld, index);
    return { head, items, checkpoint: formatNote({ text, signatures }) };
  }

  /** Leaves, and what is passed over before, between and behind them. */
  items(indices: readonly number[], withheld: readonly number[] = [], map = -1): ProofItem[] {
    const passed = (from: number, to: number): ProofItem[] =>
      [...subtreesBetween(BigInt(from), BigInt(to))].map((subtree) => ({ what: 'passed', hash: this.read(subtree) }));
    const items = indices.flatMap((at, i): ProofItem[] => [
      ...passed((indices[i - 1] ?? -1) + 1, at),
      withheld.includes(at)
        ? this.withheld(at)
        : { what: at === map ? 'map' : 'leaf', index: BigInt(at), leaf: this.leaves[at]! },
    ]);
    return [...items, ...passed((indices.at(-1) ?? -1) + 1, this.leaves.length)];
  }

  withheld(at: number): ProofItem {
    const { data, type } = entryOf(this.leaves[at]!);
    return {
      what: 'withheld',
      index: BigInt(at),
      hash: hashLeafText(this.leaves[at]!),
      subject: data!.subjectId!,
      kind: entryKind(type),
    };
  }

  private readonly read: ReadHash = ({ level, index }) =>
    level === 0
      ? hashLeafText(this.leaves[Number(index)]!)
      : hashNode(
          this.read({ level: level - 1, index: index * 2n }),
          this.read({ level: level - 1, index: index * 2n + 1n }),
        );
}

function entryOf(leaf: string): { data?: { subjectId?: string }; type: string } {
  const { type = '', ...entry } = JSON.parse(leaf) as { data?: { subjectId?: string }; type?: string };
  return { ...entry, type };
}

/** Aya's: entries 0, 2 (a collection), 3, 6 (a repeat of 3), 7, 9; behind the first map, at 10: 11, 13. The second map is at 14. */
async function sampleLog(): Promise<SmallLog> {
  const log = new SmallLog();
  log.record({ subjectId: AYA, eventId: 'a', month: 1 });
  log.record({ subjectId: OMAR, eventId: 'b', month: 1 });
  log.record({ subjectId: AYA, eventId: 'c', month: 1, type: 'sijill.data.collected.v1' });
  log.record({ subjectId: AYA, eventId: 'd', month: 2, recipient: 'Bank' });
  log.record({ subjectId: OMAR, eventId: 'e', month: 2 });
  log.add('sijill.settings.in_force.v1', 'ledger-node/0', {});
  log.record({ subjectId: AYA, eventId: 'd', month: 2, recipient: 'Bank' });
  log.record({ subjectId: AYA, eventId: 'f', month: 3 });
  log.record({ subjectId: OMAR, eventId: 'g', month: 3 });
  log.record({ subjectId: AYA, eventId: 'h', month: 4, recipient: 'Bank' });
  await log.writeMap();
  log.record({ subjectId: AYA, eventId: 'i', month: 5 });
  log.record({ subjectId: OMAR, eventId: 'j', month: 5 });
  log.record({ subjectId: AYA, eventId: 'k', month: 6 });
  await log.writeMap();
  log.record({ subjectId: OMAR, eventId: 'l', month: 6 });
  return log;
}

const textOfProof = ({ head, items, checkpoint }: AccountingProof): string => {
  const subjects = head.subjects.map(({ subject }) => subject);
  return [
    formatProofHead(head),
    ...items.map((item) => formatProofItem(item, subjects)),
    formatProofEnd(checkpoint),
  ].join('');
};
const linesOf = (text: string): string[] => text.split('\n');
const verify = (proof: AccountingProof, trust = TRUST): ReturnType<typeof verifyAccountingProof> =>
  verifyAccountingProof(linesOf(textOfProof(proof)), trust);
const refused = (error: unknown): boolean => error instanceof FormatInvalid || error instanceof ProofInvalid;

type Place = readonly (string | number)[];
/** Where in a document something can be put. */
const placesOf = (value: unknown, at: Place = []): Place[] =>
  typeof value === 'object' && value !== null
    ? [at, ...Object.keys(value).flatMap((name) => placesOf((value as Record<string, unknown>)[name], [...at, name]))]
    : [at];
const put = (value: unknown, [name, ...rest]: Place, by: unknown): unknown => {
  if (name === undefined) return by;
  const copy = Array.isArray(value) ? [...(value as unknown[])] : { ...(value as object) };
  (copy as Record<string, unknown>)[name] = put((copy as Record<string, unknown>)[name], rest, by);
  return copy;
};
const hostile = fc.oneof(
  fc.jsonValue({ maxDepth: 2 }),
  fc.constantFrom({ toString: 1, valueOf: 1 }, { length: 5 }, ['0'], [[]], '0', '1', '14', AYA, OMAR, true, -0, 1e300),
);

let log: SmallLog;
let proof: AccountingProof;
beforeAll(async () => {
  log = await sampleLog();
  proof = await log.prove(AYA);
});

describe('the proof of an accounting', () => {
  const AYAS = [0n, 3n, 6n, 7n, 9n, 11n, 13n];

  it('shows all disclosures about a subject and nothing else of it, and about whom there are none', async () => {
    const { entries, complete, checkpoint, subject } = verify(proof);
    expect(entries.map(({ index }) => index)).toEqual(AYAS);
    expect({ subject, complete, size: checkpoint.size, origin: checkpoint.origin }).toEqual({
      subject: AYA,
      complete: { asOf: 14n, covered: 14n, mappedAt: '2026-07-01T00:00:00.000Z', kinds: ['disclosure', 'identity'] },
      size: 16n,
      origin: ORIGIN,
    });
    expect(entries.map(({ entry }) => (entry as { id: string }).id)).toEqual(AYAS.map((at) => `entry-${at}`));
    expect(textOfProof(proof)).not.toContain('collected');
    expect(verify(await log.prove(STRANGER)).entries).toEqual([]);
    const witnessed = { ...TRUST, witnesses: [witness], quorum: 1 };
    expect(verify(proof, witnessed).checkpoint.cosignatures).toEqual([{ name: 'w.example', seconds: 9n }]);
  });

  it('is one of the time before, by a map of that time, and says so', async () => {
    const earlier = verify(await log.prove(AYA, { which: 0 }));
    expect([earlier.complete?.covered, earlier.entries.length]).toEqual([10n, 5]);
  });

  it('shows an entry by its hash alone, which counts as it does in full', async () => {
    const { entries } = verify(await log.prove(AYA, { withheld: [3, 11] }));
    expect(entries.map(({ index, entry }) => entry === 'withheld' && index)).toEqual(
      AYAS.map((at) => (at === 3n || at === 11n) && at),
    );
  });

  it('is the same for Aya whether or not something is kept from her', async () => {
    const lines = verify(await log.prove(AYA, { only: [0, 9, 13] }));
    expect(lines.complete).toBeNull();
    expect(lines.entries.map(({ index }) => index)).toEqual([0n, 9n, 13n]);
    const text = textOfProof(await log.prove(AYA, { only: [0, 9, 13] }));
    const head = linesOf(text).slice(0, linesOf(text).indexOf(''));
    expect(head).toEqual(['sijill accounting proof v3', 'as of 900', `subject ${AYA}`]);
    // All else is a hash that says nothing, or the checkpoint.
    expect(
      text
        .split('\n\n')[1]!
        .split('\n')
        .filter((line) => line.includes(' ')),
    ).toHaveLength(3);
  });

  /** The proof with other leaves in the place of Aya's, honestly written. */
  const withLeaves = (indices: readonly number[], withheld: readonly number[] = []): AccountingProof => ({
    ...proof,
    items: log.items([...indices, 14], withheld, 14),
  });
  const itemAt = (index: number): number =>
    proof.items.findIndex((item) => item.what !== 'passed' && item.index === BigInt(index));
  const withItem = (index: number, change: (item: never) => object): AccountingProof => ({
    ...proof,
    items: proof.items.map((item, i) => (i === itemAt(index) ? change(item as never) : item) as ProofItem),
  });
  const headed = (head: Partial<ProofHead>): AccountingProof => ({ ...proof, head: { ...proof.head, ...head } });
  const own = (): ProvenSubject => proof.head.subjects[0]!;
  const chainsOf = (of: AccountingProof): ProvenSubject['chains'] => of.head.subjects[0]!.chains;

  const CHANGES: Record<string, [change: () => AccountingProof | Promise<AccountingProof>, says: string]> = {
    'one entry left out': [() => withLeaves([0, 3, 6, 9, 11, 13]), 'counts 7 entries, and here are 6'],
    'the first left out': [() => withLeaves([3, 6, 7, 9, 11, 13]), 'counts 7 entries, and here are 6'],
    'the last left out': [() => withLeaves([0, 3, 6, 7, 9, 11]), 'counts 7 entries, and here are 6'],
    'all left out': [() => withLeaves([]), 'counts 7 entries, and here are 0'],
    'an entry left out, and its hash not': [
      () => ({ ...proof, items: proof.items.filter((_, i) => i !== itemAt(6)) }),
      'does not pass over just what lies between leaf 4 and 7',
    ],
    'one there twice': [
      () => ({ ...proof, items: proof.items.flatMap((item, i) => (i === itemAt(6) ? [item, item] : [item])) }),
      'not in the order of the log',
    ],
    'two swapped': [
      () => ({
        ...proof,
        items: proof.items.with(itemAt(6), proof.items[itemAt(7)]!).with(itemAt(7), proof.items[itemAt(6)]!),
      }),
      'does not pass over just what lies between leaf 4 and 7',
    ],
    'another for one of them': [() => withLeaves([0, 3, 6, 8, 9, 11, 13]), 'leaf 8 concerns another subject'],
    'another for one of them, withheld': [
      () => {
        const swapped = withLeaves([0, 3, 6, 8, 9, 11, 13], [8]);
        const items = swapped.items.map((item) => (item.what === 'withheld' ? { ...item, subject: AYA } : item));
        return { ...swapped, items };
      },
      'the entries are not those of the map',
    ],
    'one of another kind added': [() => withLeaves([0, 2, 3, 6, 7, 9, 11, 13]), 'or is of another kind'],
    'one of another kind added, withheld': [
      () => {
        const added = withLeaves([0, 2, 3, 6, 7, 9, 11, 13], [2]);
        const items = added.items.map((item) =>
          item.what === 'withheld' ? { ...item, kind: 'disclosure' as const } : item,
        );
        return { ...added, items };
      },
      'counts 7 entries, and here are 8',
    ],
    'one withheld as if it were of the kind of links': [
      async () => {
        const withheld = await log.prove(AYA, { withheld: [3] });
        const items = withheld.items.map((item) =>
          item.what === 'withheld' ? { ...item, kind: 'identity' as const } : item,
        );
        return { ...withheld, items };
      },
      'leaf 3 is withheld, and may say who is linked',
    ],
    'a leaf changed': [
      () => withItem(3, ({ leaf, ...item }: { leaf: string }) => ({ ...item, leaf: leaf.replace('Bank', 'Park') })),
      'the leaves are not those of the log',
    ],
    'the hash of one withheld changed': [
      async () => {
        const withheld = await log.prove(AYA, { withheld: [3] });
        const items = withheld.items.map((item) =>
          item.what === 'withheld' ? { ...item, hash: new Uint8Array(32) } : item,
        );
        return { ...withheld, items };
      },
      'the leaves are not those of the log',
    ],
    'a hash that is passed over changed': [
      () => {
        const items = proof.items.map((item) =>
          item.what === 'passed' ? { ...item, hash: new Uint8Array(32) } : item,
        );
        return { ...proof, items };
      },
      'the leaves are not those of the log',
    ],
    'an index changed': [
      () => withItem(3, (item: object) => ({ ...item, index: 2n })),
      'does not pass over just what lies between leaf 1 and 2',
    ],
    'an index behind the log': [
      () => withItem(14, (item: object) => ({ ...item, index: 16n })),
      'does not pass over just what lies between leaf 14 and 16',
    ],
    'a hash too few behind the last leaf': [
      () => ({ ...proof, items: proof.items.slice(0, -1) }),
      'does not pass over just what lies between leaf 15 and 16',
    ],
    'a hash too many': [
      () => ({ ...proof, items: [...proof.items, proof.items.at(-1)!] }),
      'does not pass over just what lies between leaf 15 and 16',
    ],
    'an entry that came after the map': [
      async () => {
        const late = new SmallLog();
        late.leaves.push(...log.leaves.slice(0, 11));
        late.maps.push(log.maps[0]!);
        late.record({ subjectId: AYA, eventId: 'z', month: 7 });
        const made = await late.prove(AYA);
        return { ...made, items: late.items([0, 3, 6, 7, 9, 10, 11], [], 10) };
      },
      'a leaf stands behind that of the map',
    ],
    'entries that the map does not cover': [
      () => withItem(14, (item: object) => ({ ...item, leaf: log.leaves[14]!.replace('"14"', '"13"') })),
      'the leaves are not those of the log',
    ],
    'the map of before with the entries of now': [
      async () => {
        const old = await log.prove(AYA, { which: 0 });
        return { ...old, items: log.items([0, 3, 6, 7, 9, 10], [], 10), head: proof.head };
      },
      'the proof leads to another root',
    ],
    'what another map holds': [
      async () => headed({ subjects: [{ ...own(), chains: chainsOf(await log.prove(AYA, { which: 0 })) }] }),
      'the proof leads to another root',
    ],
    'what the map holds for another': [
      async () => headed({ subjects: [{ ...own(), chains: chainsOf(await log.prove(OMAR)) }] }),
      'the subject found is elsewhere',
    ],
    'a kind that is not shown': [
      () => headed({ subjects: [{ ...own(), chains: own().chains.slice(1) }] }),
      'leaf 0 concerns another subject, or is of another kind',
    ],
    'nothing of who is linked': [
      () => headed({ subjects: [{ ...own(), chains: own().chains.slice(0, 1) }] }),
      'does not show who is linked to the subject',
    ],
    'a kind there twice': [
      () => headed({ subjects: [{ ...own(), chains: [...own().chains, own().chains[0]!] }] }),
      'the same kinds of entries of each subject',
    ],
    'no chains at all, and a number of leaves': [
      () => headed({ subjects: [{ ...own(), chains: [] }] }),
      'does not say whether it is complete',
    ],
    'chains, and no number of leaves': [() => headed({ leaves: null }), 'does not say whether it is complete'],
    'another subject': [() => headed({ subjects: [{ ...own(), subject: OMAR }] }), 'leaf 0 concerns another subject'],
    'a subject there twice': [() => headed({ subjects: [own(), own()] }), 'a subject is there twice'],
    'another person beside': [
      async () => {
        const both = [0, 1, 3, 4, 6, 7, 8, 9, 11, 12, 13];
        const { head } = await log.prove(OMAR);
        return {
          ...proof,
          head: { ...proof.head, subjects: [own(), head.subjects[0]!] },
          items: log.items([...both, 14], [], 14),
        };
      },
      `the subject ${OMAR} is not linked to the first`,
    ],
    'another entry as the map': [
      () => ({ ...proof, items: log.items([0, 3, 6, 7, 9, 11, 13], [], 13) }),
      'the entry of the map does not hold: it is another entry',
    ],
    'no map': [
      () => ({ ...proof, items: log.items([0, 3, 6, 7, 9, 11, 13]) }),
      'there is no map by which the entries would be all',
    ],
    'a map, and only lines': [
      async () => ({ ...(await log.prove(AYA, { only: [0] })), items: log.items([0, 14], [], 14) }),
      'there is a map, and nothing that it is to show',
    ],
    'a line withheld, where only lines are shown': [
      async () => ({ ...(await log.prove(AYA, { only: [0] })), items: log.items([0, 3], [3]) }),
      'leaf 3 is withheld, where only what is shown is proven',
    ],
    'a line of another kind': [
      async () => ({ ...(await log.prove(AYA, { only: [0] })), items: log.items([0, 2]) }),
      'leaf 2 concerns another subject, or is of another kind',
    ],
    'a line of another subject': [
      async () => ({ ...(await log.prove(AYA, { only: [0] })), items: log.items([0, 1]) }),
      'leaf 1 concerns another subject',
    ],
    'a disclosure of a type that came later': [
      async () => {
        const later = await sampleLog();
        later.record({ subjectId: AYA, eventId: 'z', month: 7, type: 'sijill.data.disclosed.v2' });
        await later.writeMap();
        return later.prove(AYA);
      },
      'leaf 16 is of the type sijill.data.disclosed.v2, which this verifier does not know',
    ],
    'a checkpoint of another key': [
      () => {
        const [text] = proof.checkpoint.split('\n\n');
        const signatures = [signNote(`${text}\n`, ORIGIN, witnessKey)];
        return { ...proof, checkpoint: formatNote({ text: `${text}\n`, signatures }) };
      },
      'not signed',
    ],
    'a checkpoint with another size': [
      () => ({ ...proof, checkpoint: proof.checkpoint.replace('\n16\n', '\n17\n') }),
      'does not hold',
    ],
  };
  it.each(Object.entries(CHANGES))('does not hold with %s', async (_, [change, says]) => {
    const changed = await change();
    const verdict = (): unknown => verify(changed);
    expect(verdict).toThrow(ProofInvalid);
    expect(verdict).toThrow(says);
  });

  it('does not hold by a map of another type or lane, or one that says what cannot be', async () => {
    const wrong: [string, ...Parameters<SmallLog['writeMap']>][] = [
      ['it is another entry', {}, 'sijill.data.used.v1'],
      ['it is another entry', {}, SUBJECTS_MAPPED, 'ledger-0'],
      ['covers leaves behind its own', { size: '17' }],
      ['leaf 13 is not among the 13 leaves', { size: '13' }],
      ['not a decimal number', { size: '-1' }],
      ['does not say what the map is', { size: 16 }],
      ['does not say what the map is', { root: null }],
      ['no SHA-256 hash', { root: 'AAAA' }],
      ['does not say what the map is', { occurredAt: 'today, and nothing since' }],
    ];
    for (const [says, ...of] of wrong) {
      const other = await sampleLog();
      await other.writeMap(...of);
      const made = await other.prove(AYA);
      expect(() => verify(made)).toThrow(says);
      expect(() => verify(made)).toThrow(ProofInvalid);
    }
  });

  it('does not hold with a leaf that can be read in two ways, or is no entry, though the log has it', async () => {
    const [good] = log.leaves as [string];
    const other = [
      good.replace('"purpose":"provide_services"', '"purpose":"provide_services","purpose":"marketing"'),
      `${good} `,
      good.replace('"id":"entry-0"', '"id":0'),
      good.replace('"revision":0', '"revision":"0"'),
      good.replace(/"metadata":.*,"revision"/, '"metadata":null,"revision"'),
      good.replace('"sealed":{"subject":"x"}', `"sealed":${'['.repeat(100_000)}${']'.repeat(100_000)}`),
    ];
    for (const leaf of other) {
      const odd = new SmallLog();
      odd.record({ subjectId: AYA, eventId: 'a', month: 1 });
      odd.leaves[0] = leaf;
      await odd.writeMap();
      const made = await odd.prove(AYA);
      expect(() => verify(made)).toThrow(/^leaf 0 does not hold: the leaf is no /);
    }
  });

  it('shows a person who is several subjects, each of them, and nobody who was separated', async () => {
    const many = new SmallLog();
    const link = (edge: string, ...ends: string[]): void =>
      ends.forEach((end) => void many.decide(LINKED, end, { edges: [edge] }));
    link('e1', AYA, OMAR);
    link('e2', OMAR, STRANGER);
    many.record({ subjectId: STRANGER, eventId: 'a', month: 1 });
    await many.writeMap();
    const whole = verify(await many.prove(OMAR, { linked: [STRANGER, AYA] }));
    expect(whole).toMatchObject({ subject: OMAR, linked: [STRANGER, AYA], openConflicts: [] });
    expect(whole.entries.map(({ index, subject }) => [index, subject])).toEqual([
      [0n, AYA],
      [1n, OMAR],
      [2n, OMAR],
      [3n, STRANGER],
      [4n, STRANGER],
    ]);
    for (const linked of [[], [AYA], [STRANGER]])
      await expect(many.prove(OMAR, { linked }).then((made) => verify(made))).rejects.toThrow(
        `a subject is missing that is linked to ${OMAR}`,
      );
    const two = async (first: string, second: string): Promise<AccountingProof> =>
      many.prove(first, { linked: [second] });
    await expect(two(AYA, STRANGER).then((made) => verify(made))).rejects.toThrow('a subject is missing');
    // Where only lines are shown, they are shown to be one person's all the same.
    const lines = { linked: [STRANGER, AYA], only: [0, 1, 2, 3, 4] };
    expect(verify(await many.prove(OMAR, lines)).entries).toHaveLength(5);
    await expect(many.prove(OMAR, { ...lines, only: [0, 1, 4] }).then((made) => verify(made))).rejects.toThrow(
      `the subject ${STRANGER} is not linked to the first`,
    );

    for (const end of [AYA, OMAR]) many.decide(SEPARATED, end, { edges: ['e1'], separation: 's1' });
    await many.writeMap();
    expect(verify(await many.prove(AYA)).linked).toEqual([]);
    expect(verify(await two(STRANGER, OMAR)).linked).toEqual([OMAR]);
    await expect(many.prove(OMAR, { linked: [STRANGER, AYA] }).then((made) => verify(made))).rejects.toThrow(
      `the subject ${AYA} is not linked to the first`,
    );
    // By the map of before they are one person still.
    expect(verify(await many.prove(AYA, { which: 0, linked: [OMAR, STRANGER] })).linked).toHaveLength(2);
  });

  it('does not hold with other kinds of one subject than of another', async () => {
    const many = new SmallLog();
    for (const end of [AYA, OMAR]) many.decide(LINKED, end, { edges: ['e1'] });
    many.record({ subjectId: OMAR, eventId: 'a', month: 1 });
    await many.writeMap();
    const made = await many.prove(AYA, { linked: [OMAR] });
    const [first, second] = made.head.subjects as [ProvenSubject, ProvenSubject];
    const head = { ...made.head, subjects: [first, { ...second, chains: second.chains.slice(1) }] };
    expect(() => verify({ ...made, head, items: many.items([0, 1, 3], [], 3) })).toThrow(
      'the same kinds of entries of each subject',
    );
    const [disclosure, identity] = second.chains as [ProvenSubject['chains'][0], ProvenSubject['chains'][0]];
    const chains = [
      { ...disclosure, proof: identity.proof },
      { ...identity, proof: disclosure.proof },
    ];
    const exchanged = { ...made.head, subjects: [first, { ...second, chains }] };
    expect(() => verify({ ...made, head: exchanged })).toThrow(
      `entries of the kind disclosure about ${OMAR} does not hold`,
    );
  });

  it('believes no leaf of an event that is not the ledger’s: neither as a map, nor as a link, nor as an entry', async () => {
    const foreign = (of: SmallLog, lane: string): number => {
      const leaf = { foreign: true, lane, revision: of.leaves.length, sha256: 'ab'.repeat(32) };
      return of.leaves.push(canonicalJson(leaf)) - 1;
    };
    const other = await sampleLog();
    const index = foreign(other, MAP_LANE);
    const made = await other.prove(AYA);
    expect(() => verify({ ...made, items: other.items([0, 3, 6, 7, 9, 11, 13, index], [], index) })).toThrow(
      /^the entry of the map does not hold: /,
    );
    const within = await sampleLog();
    const at = foreign(within, 'ledger-vault');
    await within.writeMap();
    const honest = await within.prove(AYA);
    const [map] = within.maps.slice(-1);
    const items = within.items([0, 3, 6, 7, 9, 11, 13, at, map!.index], [], map!.index);
    expect(() => verify({ ...honest, items })).toThrow(/^leaf 16 does not hold: /);
  });

  it('does not hold without the witnesses who are asked for', () => {
    const [text] = proof.checkpoint.split('\n\n');
    const alone = formatNote({ text: `${text}\n`, signatures: [signNote(`${text}\n`, ORIGIN, logKey)] });
    const asked = { ...TRUST, witnesses: [witness], quorum: 1 };
    expect(() => verify({ ...proof, checkpoint: alone }, asked)).toThrow('0 of the witnesses have cosigned');
  });

  it('has one form: what is read is written the same, and packed and unpacked', async () => {
    for (const made of [proof, await log.prove(AYA, { withheld: [7] }), await log.prove(AYA, { only: [3] })]) {
      const text = textOfProof(made);
      const reader = new ProofReader(linesOf(text));
      const head = reader.head();
      const items = [...reader.items(head.subjects)];
      expect(textOfProof({ head, items, checkpoint: reader.checkpoint() })).toBe(text);
      const packer = new ProofPacker();
      const bytes = utf8(text);
      const file = concat(...packer.add(bytes.slice(0, 100), false), ...packer.add(bytes.slice(100), true));
      expect([...proofLines(file)]).toEqual(linesOf(text));
      expect([...proofLines(bytes)]).toEqual(linesOf(text));
      expect(() => [...proofLines(file.slice(0, -20))]).toThrow(FormatInvalid);
      expect(() => [...proofLines(new Uint8Array(5_000_000))]).toThrow('a line of the proof is longer than any leaf');
      expect(() => [...proofLines(file.with(20, file[20]! ^ 255))].join('\n')).toThrow();
    }
  });

  it('is refused as none with lines that are missing, too many or of another kind', async () => {
    const lines = linesOf(textOfProof(await log.prove(AYA, { withheld: [3] })));
    const at = (begins: string): number => lines.findIndex((line) => line.startsWith(begins));
    const changed = (begins: string, ...by: string[]): string[] => lines.toSpliced(at(begins), 1, ...by);
    const withheld = lines[at('withheld ')]!;
    const other = [
      [],
      [''],
      lines.slice(1),
      lines.slice(0, 3),
      lines.slice(0, at('leaf 7')),
      changed('sijill', 'sijill accounting proof v2'),
      changed('as of'),
      ...['as of', 'as of x', 'as of 900 14 1', 'as of 0900 14', 'as of 900 1e3', 'of 900 14'].map((by) =>
        changed('as of', by),
      ),
      changed('subject'),
      ...['subject Aya', `subject ${AYA.toUpperCase()}`, `subject ${AYA} ${AYA}`].map((by) => changed('subject', by)),
      changed('chain disclosure', 'chain'),
      changed('chain disclosure', 'chain everything'),
      changed('chain disclosure', 'chain __proto__'),
      changed('leaf 0', `leaf ${lines[at('leaf 0')]!.slice('leaf 0 '.length)}`),
      ...['leaf', 'leaf 0', 'leaf -1 {}', 'leaf 9223372036854775808 {}', 'note 0 {}'].map((by) =>
        changed('leaf 0', by),
      ),
      changed('leaf 0', `${lines[at('leaf 0')]}\ud800`),
      ...[
        withheld.replace(' 1 disclosure', ' 0 disclosure'),
        withheld.replace(' 1 disclosure', ' 2 disclosure'),
        withheld.replace(' 1 disclosure', ' 1 everything'),
        withheld.replace(' 1 disclosure', ' 1'),
        `${withheld} 1`,
      ].map((by) => changed('withheld', by)),
      lines.toSpliced(at('leaf 7'), 0, 'AA=='),
      lines.toSpliced(at('leaf 7'), 0, ...Array.from({ length: 200 }, () => toBase64(new Uint8Array(32)))),
    ];
    for (const wrong of other) {
      let thrown: unknown;
      try {
        verifyAccountingProof(wrong, TRUST);
      } catch (error) {
        thrown = error;
      }
      expect([refused(thrown), wrong.length]).toEqual([true, wrong.length]);
    }
  });

  it('is refused by name, or says the same, whatever is put into it', () => {
    const lines = linesOf(textOfProof(proof));
    const { entries, complete } = verify(proof);
    const line = fc.oneof(
      fc.constantFrom(...lines),
      fc.string(),
      fc.constantFrom(
        'leaf 2 {}',
        'chain identity',
        `subject ${OMAR}`,
        'nobody',
        '-',
        '\u2014',
        `leaf 2 ${log.leaves[2]}`,
      ),
    );
    const at = fc.nat(lines.length - 1);
    fc.assert(
      fc.property(at, line, fc.nat(1), at, (place, by, dropped, from) => {
        const changed = lines.toSpliced(place, dropped, by === lines[from] ? '' : by);
        try {
          const shown = verifyAccountingProof(changed, TRUST);
          // Only what nobody has signed can be said otherwise: where the report beside it stands.
          expect({ entries: shown.entries, covered: shown.complete?.covered }).toEqual({
            entries,
            covered: complete!.covered,
          });
        } catch (error) {
          if (!refused(error)) throw error;
        }
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('the report beside a proof', () => {
  interface Row {
    entryId: unknown;
    recipient: { id: string; name: string; [member: string]: unknown };
    dataCategories: string[];
    [member: string]: unknown;
  }
  interface Report {
    subject: { subjectId: string; linked: string[]; openConflicts: unknown };
    parameters: { from: unknown; to: unknown };
    asOf: { position: unknown; time: string };
    totals: {
      entries: unknown;
      conflicts: unknown;
      withheld: unknown;
      byRecipient: Record<string, unknown>[];
      byCategory: Record<string, unknown>[];
    };
    disclosures: Row[];
  }
  const rowOf = (at: number, of = log): Row => {
    const { id, data, metadata } = JSON.parse(of.leaves[at]!) as { id: string; data: Row; metadata: Row };
    const { sealed: _, has: __, role: ___, ...open } = data;
    const { recordedAt, producer, source, event } = metadata;
    return {
      ...open,
      ...{ recordedAt, producer, source },
      entryId: id,
      ground: null,
      request: { reference: 'asked in writing', sha256: null },
      onBehalfOf: null,
      eventId: (event as { tag: string }).tag,
      standing: 'first',
      verdict: null,
      clauses: [],
      notices: [],
      sealed: 'closed',
    };
  };
  /** What an honest ledger reports of these disclosures, the newest first. */
  const reportOn = (disclosures: Row[], from: string | null = null, to: string | null = null): Report => {
    const names = [...new Set(disclosures.map(({ recipient }) => recipient.name))];
    return {
      subject: { subjectId: AYA, linked: [], openConflicts: 0 },
      parameters: { from, to },
      asOf: { position: 900, time: 'then' },
      totals: {
        entries: disclosures.length,
        conflicts: disclosures.filter(({ standing }) => standing === 'conflict').length,
        withheld: 0,
        byRecipient: names.map((name) => ({
          id: name.toLowerCase(),
          name,
          count: disclosures.filter(({ recipient }) => recipient.name === name).length,
        })),
        byCategory: ['contact.email', 'usage.logs'].map((category) => ({ category, count: disclosures.length })),
      },
      disclosures,
    };
  };
  const reportOf = (ats: readonly number[], from: string | null = null, to: string | null = null): Report =>
    reportOn(
      [...ats].reverse().map((at) => rowOf(at)),
      from,
      to,
    );
  /** What this report says that no leaf shows. */
  const notCompared = ['eventId', 'request.reference'];
  const all = [0, 3, 7, 9, 11, 13];
  const check = (report: Report, of = proof): ReturnType<typeof verifyReport> =>
    verifyReport(verify(of), JSON.stringify(report));

  it('says what the entries say: each that counts, in its period', () => {
    expect(check(reportOf(all))).toEqual({
      disclosures: 6,
      complete: true,
      conflicts: 0,
      newer: 0,
      uncounted: 1,
      unproven: 0n,
      notCompared,
    });
    expect(check(reportOf([3, 7], '2026-02-01', '2026-04-01T00:00:00+03:00'))).toMatchObject({
      disclosures: 2,
      newer: 0,
    });
    // From is within, to is not.
    expect(check(reportOf([7], '2026-03-05T08:00:00.000Z', '2026-04-05T08:00:00.000Z')).disclosures).toBe(1);
  });

  it('is not held against what came after it', async () => {
    const earlier = await log.prove(AYA, { leaves: 11 });
    expect(check(reportOf([0, 3, 7, 9]), earlier)).toEqual({
      disclosures: 4,
      complete: true,
      conflicts: 0,
      newer: 2,
      uncounted: 1,
      unproven: 0n,
      notCompared,
    });
    expect(() => check(reportOf([0, 3, 7]), earlier)).toThrow('entry-9 is not in the report');
    // Else what is left out could be called newer, and what came after it be there all the same.
    expect(() => check(reportOf([0, 3, 7, 9, 13]), earlier)).toThrow('entry-13 is newer than the report that has it');
  });

  it('is held against its lines alone, where the proof says nothing of others', async () => {
    const lines = await log.prove(AYA, { only: [0, 3, 9] });
    const forAya = (report: Report): Report => {
      report.subject.openConflicts = null;
      report.totals.withheld = null;
      return report;
    };
    expect(check(forAya(reportOf([0, 3, 9])), lines)).toEqual({
      disclosures: 3,
      complete: false,
      conflicts: 0,
      newer: 0,
      uncounted: 0,
      unproven: 0n,
      notCompared,
    });
    // Whoever looks closer sees what was kept from Aya: the numbers are for nobody who has this proof.
    expect(() => check(reportOf([0, 3, 9]), lines)).toThrow('counts open conflicts, which the proof does not show');
    const counted = forAya(reportOf([0, 3, 9]));
    counted.totals.withheld = 0;
    expect(() => check(counted, lines)).toThrow('counts what is withheld, which the proof does not show');
    expect(() => check(forAya(reportOf([0, 3, 7])), lines)).toThrow(
      'disclosure 1 of the report is no entry that counts',
    );
    expect(() => check(forAya(reportOf([0, 3])), lines)).toThrow('the disclosure entry-9 is not in the report');
    expect(() => check(forAya(reportOf([3, 9], '2026-02-01')), lines)).toThrow('shows disclosures that the report');
    const changed = forAya(reportOf([0, 3, 9]));
    changed.disclosures[0]!['purpose'] = 'marketing';
    expect(() => check(changed, lines)).toThrow('the leaf of entry-9 differ in purpose');
    // What came first under an identity may be kept from Aya: what came second is a conflict all the same.
    const conflicting = new SmallLog();
    for (const month of [1, 2]) conflicting.record({ subjectId: AYA, eventId: 'a', month });
    await conflicting.writeMap();
    const second = forAya(reportOn([{ ...rowOf(1, conflicting), standing: 'conflict' }]));
    expect(check(second, await conflicting.prove(AYA, { only: [1] }))).toMatchObject({ disclosures: 1, conflicts: 1 });
  });

  it('tells of what is withheld, where it is of all times, and of no more than there is', async () => {
    // One of them repeats another.
    const made = await log.prove(AYA, { withheld: [3, 6, 7] });
    const counted = (withheld: unknown, from: string | null = null): Report => {
      const report = reportOf(from === null ? [0, 9, 11, 13] : [13], from);
      return { ...report, totals: { ...report.totals, withheld } };
    };
    for (const honest of [2, 3, null]) expect(check(counted(honest), made).disclosures).toBe(4);
    for (const wrong of [0, 4, -1, '2']) expect(() => check(counted(wrong), made)).toThrow('the totals');
    // When one happened that is withheld nobody can see.
    for (const possible of [0, 1, 3]) expect(check(counted(possible, '2026-06-01'), made).disclosures).toBe(1);
    expect(() => check(counted(4, '2026-06-01'), made)).toThrow('the totals');
  });

  it('is held against no proof of other kinds', async () => {
    const other = await log.prove(AYA, { kinds: ['activity', 'identity'] });
    expect(verify(other).entries.map(({ index }) => index)).toEqual([2n]);
    expect(() => check(reportOf([]), other)).toThrow('the proof is not of disclosures');
  });

  it('is held against what the map covers, and told how many leaves behind that it claims to know', async () => {
    const old = await log.prove(AYA, { which: 0 });
    const claimed = { ...old, head: { ...old.head, leaves: 14n } };
    expect(check(reportOf([0, 3, 7, 9]), old)).toMatchObject({ disclosures: 4, newer: 0, unproven: 0n });
    expect(check(reportOf([0, 3, 7, 9]), claimed)).toMatchObject({ disclosures: 4, newer: 0, unproven: 4n });
  });

  const CHANGES: Record<string, [change: (report: Report) => unknown, says: string]> = {
    'a disclosure left out': [(r) => r.disclosures.splice(2, 1), 'the disclosure entry-9 is not in the report'],
    'all left out': [(r) => (r.disclosures = []), 'is not in the report'],
    'one there twice': [
      (r) => r.disclosures.push(r.disclosures[0]!),
      'disclosure 7 of the report is no entry that counts',
    ],
    'one that is no leaf': [(r) => (r.disclosures[1]!.entryId = 'entry-99'), 'disclosure 2 of the report is no entry'],
    'one of another subject': [(r) => r.disclosures.push(rowOf(1)), 'disclosure 7 of the report is no entry'],
    'a repeat of one that counts': [(r) => r.disclosures.push(rowOf(6)), 'disclosure 7 of the report is no entry'],
    'the repeat in place of the first': [
      (r) => (r.disclosures[4] = rowOf(6)),
      'disclosure 5 of the report is no entry',
    ],
    'a collection as a disclosure': [(r) => r.disclosures.push(rowOf(2)), 'disclosure 7 of the report is no entry'],
    'one outside its period': [(r) => (r.parameters.from = '2026-02-01'), 'disclosure 6 of the report is no entry'],
    'another subject': [(r) => (r.subject.subjectId = OMAR), 'about another subject'],
    'a linked subject that the proof has not': [(r) => r.subject.linked.push(OMAR), 'names other linked subjects'],
    'no list of linked subjects': [(r) => (r.subject.linked = null as never), 'names other linked subjects'],
    'no number of open conflicts': [(r) => (r.subject.openConflicts = undefined), 'does not tell of 0 open conflicts'],
    'another position': [(r) => (r.asOf.position = 901), 'as of position 901, and the proof of 900'],
    ...Object.fromEntries(
      (['purpose', 'occurredAt', 'recordedAt', 'producer', 'source', 'subjectId', 'ground', 'legalBasis'] as const).map(
        (name): [string, [(report: Report) => unknown, string]] => [
          `another ${name}`,
          [(r) => (r.disclosures[3]![name] = '2026-01-01'), `the leaf of entry-7 differ in ${name}`],
        ],
      ),
    ),
    'a list of categories cut': [(r) => r.disclosures[3]!.dataCategories.pop(), 'differ in dataCategories'],
    'one category as a text': [
      (r) => (r.disclosures[3]!['dataCategories'] = 'usage.logs' as never),
      'differ in dataCategories',
    ],
    'another recipient': [(r) => (r.disclosures[3]!.recipient.name = 'Kurier'), 'entry-7 differ in recipient.name'],
    'no recipient': [(r) => (r.disclosures[3]!['recipient'] = null as never), 'entry-7 differ in recipient.id'],
    'a request that was not': [(r) => (r.disclosures[3]!['request'] = { sha256: 'x' }), 'differ in request.sha256'],
    'a request that is none': [(r) => (r.disclosures[3]!['request'] = 'x'), 'differ in request'],
    'a member with a dot in the place of another': [
      (r) => {
        r.disclosures[3]!.recipient.id = 'other';
        r.disclosures[3]!['recipient.id'] = 'courier';
      },
      'differ in recipient.id',
    ],
    'a standing that it has not': [(r) => (r.disclosures[3]!['standing'] = 'repeat'), 'differ in standing'],
    'nothing sealed': [(r) => (r.disclosures[3]!['sealed'] = 'none'), 'differ in sealed'],
    'fewer in the totals': [(r) => (r.totals.entries = 5), 'the totals'],
    'another number of conflicts in the totals': [(r) => (r.totals.conflicts = 1), 'the totals'],
    'withheld ones that are not': [(r) => (r.totals.withheld = 1), 'the totals'],
    'a recipient not in the totals': [(r) => r.totals.byRecipient.pop(), 'the totals'],
    'one recipient twice in the totals': [(r) => (r.totals.byRecipient[1] = r.totals.byRecipient[0]!), 'the totals'],
    'a recipient added to the totals': [
      (r) => r.totals.byRecipient.push({ id: 'x', name: 'X', count: 0 }),
      'the totals',
    ],
    'fewer for a recipient': [(r) => (r.totals.byRecipient[0]!['count'] = 1), 'the totals'],
    'another name in the totals': [(r) => (r.totals.byRecipient[0]!['name'] = 'Kurier'), 'the totals'],
    'fewer of a category': [(r) => (r.totals.byCategory[0]!['count'] = 1), 'the totals'],
  };
  it.each(Object.entries(CHANGES))('is refused with %s', (_, [change, says]) => {
    const changed = reportOf(all);
    change(changed);
    const verdict = (): unknown => check(changed);
    expect(verdict).toThrow(ProofInvalid);
    expect(verdict).toThrow(says);
  });

  it('is refused as none in another form', () => {
    const report = reportOf(all);
    const other: unknown[] = [
      null,
      [],
      {},
      { ...report, subject: null },
      { ...report, totals: 1 },
      { ...report, disclosures: {} },
      { ...report, disclosures: [null] },
      { ...report, asOf: {} },
      ...[1.5, '900', [900], { toString: 1, valueOf: 1 }].map((position) => ({ ...report, asOf: { position } })),
      // The same words are another time in another time zone.
      ...[undefined, 1, '', 'soon', '2026-02-01T00:00:00', '1 Feb 2026', '2026-02-31T99:00:00Z'].map((from) => ({
        ...report,
        parameters: { from, to: null },
      })),
    ];
    for (const wrong of other) expect(() => verifyReport(verify(proof), JSON.stringify(wrong))).toThrow(FormatInvalid);
    expect(() => verifyReport(verify(proof), '{')).toThrow(FormatInvalid);
  });

  it('is refused by name also where a member is an object, or deeper than a stack', () => {
    const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
    const report = JSON.stringify(reportOf(all));
    for (const hostile of [
      deep,
      '{"toString":1,"valueOf":1}',
      '{"__proto__":null}',
      '[["usage.logs","contact.email"]]',
    ])
      for (const member of ['"entryId":"entry-7"', '"purpose":"provide_services"', '"position":900']) {
        const name = member.slice(0, member.indexOf(':'));
        const changed = report.replace(member, `${name}:${hostile}`);
        expect(changed).not.toBe(report);
        let thrown: unknown;
        try {
          verifyReport(verify(proof), changed);
        } catch (error) {
          thrown = error;
        }
        expect(refused(thrown)).toBe(true);
      }
  });

  it('sees through a log that gives one id to two entries, or none to an event', async () => {
    const twice = await sampleLog();
    twice.record({ subjectId: AYA, eventId: 'y', month: 6, recipient: 'Broker', id: 'entry-13' });
    await twice.writeMap();
    const made = await twice.prove(AYA);
    expect(() => check(reportOf(all), made)).toThrow('there are two entries with the id entry-13');

    const without = new SmallLog();
    without.add(DISCLOSED, 'ledger-x', { subjectId: AYA, occurredAt: '2026-01-01T00:00:00.000Z' });
    without.record({ subjectId: AYA, eventId: 'a', month: 1 });
    await without.writeMap();
    const bare = await without.prove(AYA);
    expect(() => check(reportOn([rowOf(1, without)]), bare)).toThrow('entry-0 names no event');
  });

  it('has a conflict flagged and counted apart, and its repeat not at all', async () => {
    const conflicting = new SmallLog();
    const [first, other] = [
      { subjectId: AYA, eventId: 'a', month: 1 },
      { subjectId: AYA, eventId: 'a', month: 2 },
    ];
    for (const event of [first, other, first, other]) conflicting.record(event);
    await conflicting.writeMap();
    const made = await conflicting.prove(AYA);
    const [newer, older] = [{ ...rowOf(1, conflicting), standing: 'conflict' }, rowOf(0, conflicting)];
    expect(check(reportOn([newer, older]), made)).toMatchObject({ disclosures: 2, conflicts: 1, uncounted: 2 });
    expect(() => check(reportOn([older]), made)).toThrow('entry-1 is not in the report');
    expect(() => check(reportOn([{ ...newer, standing: 'first' }, older]), made)).toThrow('differ in standing');
    // That the identity was somebody else's before cannot be seen here.
    expect(check(reportOn([newer, { ...older, standing: 'conflict' }]), made).conflicts).toBe(2);
  });

  it('does not hold where a disclosure passes for a repeat of another', async () => {
    const saying = { subjectId: AYA, eventId: 'a', digest: 'one' };
    const lies: [object, string][] = [
      [{ month: 2 }, 'differs in occurredAt'],
      [{ month: 1, recipient: 'Bank' }, 'differs in recipient.id'],
      [{ month: 1, type: 'sijill.data.disclosed.v2' }, 'of the type sijill.data.disclosed.v2'],
    ];
    for (const [lie, says] of lies) {
      const lying = new SmallLog();
      lying.record({ ...saying, month: 1 });
      lying.record({ ...saying, month: 1, ...lie });
      await lying.writeMap();
      const made = await lying.prove(AYA);
      expect(() => check(reportOn([rowOf(0, lying)]), made)).toThrow(says);
    }
  });

  it('has a repeat say less or more openly than the first, and otherwise where a word was in no list', () => {
    const entry = (data: object): LeafEntry => ({
      ...entryOf(log.leaves[0]!),
      id: 'entry',
      lane: '',
      revision: 0,
      metadata: { event: { generation: '2026Q1', tag: 'a', digest: 'one' }, producer: 'app', source: '/app' },
      data: { subjectId: AYA, ...data },
    });
    const again = (first: object, repeat: object): LeafStanding => {
      const standings = new Standings();
      standings.next(entry(first));
      return standings.next(entry(repeat));
    };
    for (const [first, repeat] of [
      [{ method: 'other' }, { method: 'fax' }],
      [{ system: 'gateway' }, {}],
      [{}, { recipient: { name: 'Bank' } }],
      [
        { has: ['actor'], sealed: { subject: 'x' } },
        { has: ['actor', 'system'], sealed: { subject: 'y' } },
      ],
    ] as const)
      expect(again(first, repeat).is).toBeNull();
    for (const [first, repeat, says] of [
      [{ method: 'api' }, { method: 'fax' }, 'method'],
      [{ system: 'other' }, { system: 'gateway' }, 'system'],
      [{ minimumNecessary: true }, { minimumNecessary: false }, 'minimumNecessary'],
      [{ dataCategories: ['usage.logs'] }, { dataCategories: ['usage.logs', 'contact.email'] }, 'dataCategories'],
    ] as const)
      expect(() => again(first, repeat)).toThrow(`passes for a repeat of entry, and differs in ${says}`);
  });

  it('counts what a repeat says of somebody else, and has a later part be the first', async () => {
    // The identifier led to Omar when the event was sent again.
    const moved = new SmallLog();
    moved.record({ subjectId: AYA, eventId: 'a', month: 1 });
    for (let sent = 0; sent < 2; sent++) moved.record({ subjectId: OMAR, eventId: 'a', month: 1 });
    await moved.writeMap();
    const omars = await moved.prove(OMAR);
    const report = reportOn([{ ...rowOf(1, moved), standing: 'conflict' }]);
    report.subject.subjectId = OMAR;
    expect(check(report, omars)).toMatchObject({ disclosures: 1, conflicts: 1, uncounted: 1 });

    // Of an event that began with somebody else, and was said otherwise of Aya in between.
    const cut = new SmallLog();
    cut.record({ subjectId: AYA, eventId: 'b', month: 2 });
    cut.record({ subjectId: AYA, eventId: 'b', month: 1, part: { index: 1, of: 2 } });
    await cut.writeMap();
    const ayas = await cut.prove(AYA);
    const [later, earlier] = [rowOf(1, cut), { ...rowOf(0, cut), standing: 'conflict' }];
    expect(check(reportOn([earlier, later]), ayas)).toMatchObject({ disclosures: 2, conflicts: 1, uncounted: 0 });
  });

  it('is of all who are linked: of one event that concerned two of them each has its own', async () => {
    const both = new SmallLog();
    both.decide(LINKED, AYA, { edges: ['e1'] });
    both.decide(LINKED, OMAR, { edges: ['e1'] });
    for (const [index, subjectId] of [AYA, OMAR].entries())
      for (let sent = 0; sent < 2; sent++) both.record({ subjectId, eventId: 'a', month: 1, part: { index, of: 2 } });
    await both.writeMap();
    const made = await both.prove(AYA, { linked: [OMAR] });
    const report = reportOn([rowOf(4, both), rowOf(2, both)]);
    expect(() => check(report, made)).toThrow('names other linked subjects');
    report.subject.linked = [OMAR];
    expect(check(report, made)).toMatchObject({ disclosures: 2, conflicts: 0, uncounted: 2 });
    expect(() => check({ ...report, disclosures: report.disclosures.slice(1) }, made)).toThrow(
      'the disclosure entry-4 is not in the report',
    );
  });

  it('tells of no fewer open conflicts than there were, or of none by a number', async () => {
    const unsettled = new SmallLog();
    unsettled.decide(CONFLICTING, AYA, { case: 'c1' });
    unsettled.decide(CONFLICTING, AYA, { case: 'c2' });
    unsettled.decide(SEPARATED, AYA, { edges: [], closes: ['c1'] });
    await unsettled.writeMap();
    const made = await unsettled.prove(AYA);
    expect(verify(made).openConflicts).toEqual([1n]);
    const told = (openConflicts: unknown): Report => {
      const report = reportOn([]);
      return { ...report, subject: { ...report.subject, openConflicts }, totals: { ...report.totals, byCategory: [] } };
    };
    expect(() => check(told(0), made)).toThrow('does not tell of 1 open conflicts');
    for (const honest of [1, 2, null]) expect(check(told(honest), made).disclosures).toBe(0);
    const before = await unsettled.prove(AYA, { leaves: 1 });
    expect(check(told(0), before).disclosures).toBe(0);
  });

  it('is refused by name, or has the same disclosures, whatever is put into it', () => {
    const report = reportOf(all);
    const shown = verify(proof);
    const compared = ({ entryId, occurredAt, recipient, purpose, dataCategories }: Row): object => ({
      entryId,
      occurredAt,
      recipient: { id: recipient.id, name: recipient.name, country: recipient['country' as never] },
      purpose,
      dataCategories,
    });
    fc.assert(
      fc.property(fc.constantFrom(...placesOf(report)), hostile, fc.boolean(), (place, by, beside) => {
        const changed = JSON.stringify(put(report, beside ? [...place, 'more'] : place, by));
        try {
          verifyReport(shown, changed);
          const { disclosures, parameters } = JSON.parse(changed) as Report;
          if (parameters.from === null && parameters.to === null)
            expect(disclosures.map(compared)).toEqual(report.disclosures.map(compared));
        } catch (error) {
          if (!refused(error)) throw error;
        }
      }),
      { numRuns: 2_000 },
    );
  });
});
