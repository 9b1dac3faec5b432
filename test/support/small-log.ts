import {
  ACCOUNTING_KINDS,
  canonicalJson,
  chainKey,
  entryKind,
  formatCheckpoint,
  formatMapProof,
  formatProofEnd,
  formatProofHead,
  formatProofItem,
  formatNote,
  formatProof,
  formatVerifierKey,
  hashLeafText,
  hashNode,
  inclusionProof,
  MAP_LANE,
  signingKey,
  signNote,
  SubjectMap,
  SUBJECTS_MAPPED,
  subtreesBetween,
  toBase64,
  treeRoot,
  verifierKey,
  type EntryKind,
  type ProofHead,
  type ProofItem,
  type ReadHash,
} from '@sijill/transparency';

/** Signs a root over so many leaves: a checkpoint. */
export type SignRoot = (size: number, root: Uint8Array) => string;

/** A key for such a log: what signs with it, and what verifies. */
export function logSignature(origin: string): { readonly sign: SignRoot; readonly vkey: string } {
  const key = signingKey(new Uint8Array(32).fill(5));
  return {
    sign: (size, root) => {
      const text = formatCheckpoint({ origin, size: BigInt(size), root, extensions: [] });
      return formatNote({ text, signatures: [signNote(text, origin, key)] });
    },
    vkey: formatVerifierKey(verifierKey(origin, 'ed25519', key.publicKey)),
  };
}

/** A proof, taken apart so that it can be changed before it is written. */
export interface SmallProof {
  readonly head: ProofHead;
  readonly items: readonly ProofItem[];
  readonly checkpoint: string;
}

/** A proof as text. */
export function proofText({ head, items, checkpoint }: SmallProof): string {
  const subjects = head.subjects.map(({ subject }) => subject);
  return [
    formatProofHead(head),
    ...items.map((item) => formatProofItem(item, subjects)),
    formatProofEnd(checkpoint),
  ].join('');
}

/** A log of a few leaves with a map of their subjects, held in memory. */
export class SmallLog {
  readonly leaves: string[] = [];
  private map: { index: number; size: number; subjects: SubjectMap } | null = null;

  constructor(private readonly sign: SignRoot) {}

  entry(type: string, lane: string, data: object, metadata: object = {}): number {
    const at = this.leaves.length;
    return this.leaves.push(canonicalJson({ data, id: `entry-${at}`, lane, metadata, revision: at, type })) - 1;
  }

  /** What somebody else has put into a lane. */
  foreign(lane: string): number {
    const leaf = { foreign: true, lane, revision: this.leaves.length, sha256: 'ab'.repeat(32) };
    return this.leaves.push(canonicalJson(leaf)) - 1;
  }

  /** Makes the map of all that there is, and writes it into the log. */
  async writeMap(): Promise<number> {
    const size = this.leaves.length;
    const entries = this.leaves.flatMap((leaf, at) => {
      const { data, type = '' } = JSON.parse(leaf) as { data?: { subjectId?: string }; type?: string };
      const subjectId = data?.subjectId;
      if (subjectId === undefined) return [];
      return [{ key: chainKey(subjectId, entryKind(type)), leafIndex: BigInt(at), leafHash: hashLeafText(leaf) }];
    });
    const tiles = new Map<string, Uint8Array>();
    const subjects = new SubjectMap({
      read: (prefixes) =>
        Promise.resolve(new Map(prefixes.filter((at) => tiles.has(at)).map((at) => [at, tiles.get(at)!]))),
    });
    const { root, written } = await subjects.extend(entries);
    for (const [prefix, tile] of written) tiles.set(prefix, tile);
    const data = { occurredAt: '2026-07-01T00:00:00.000Z', root: toBase64(root), size: String(size), chains: '0' };
    const index = this.entry(SUBJECTS_MAPPED, MAP_LANE, data);
    this.map = { index, size, subjects };
    return index;
  }

  /** The proof that a leaf is in the log. */
  proof(at: number): string {
    const path = inclusionProof(BigInt(at), BigInt(this.leaves.length), this.read);
    return formatProof({ index: BigInt(at), path, checkpoint: this.checkpoint() });
  }

  /**
   * The proof of a person's entries, by the last map.
   *
   * @param subjectIds the person, and behind it who is linked to it
   */
  async accounting(
    subjectIds: readonly string[],
    { kinds = ACCOUNTING_KINDS as readonly EntryKind[], only = null as readonly number[] | null } = {},
  ): Promise<SmallProof> {
    const { index, size, subjects } = this.map!;
    const shown: number[] = [];
    for (const [at, leaf] of this.leaves.slice(0, size).entries()) {
      const { data, type = '' } = JSON.parse(leaf) as { data?: { subjectId?: string }; type?: string };
      if (!subjectIds.includes(data?.subjectId ?? '') || !kinds.includes(entryKind(type))) continue;
      if (only === null || only.includes(at)) shown.push(at);
    }
    const proven = [];
    for (const subject of subjectIds) {
      const chains = [];
      for (const kind of only === null ? kinds : [])
        chains.push({ kind, proof: formatMapProof((await subjects.prove(chainKey(subject, kind))).proof) });
      proven.push({ subject, chains });
    }
    const head = { position: 1n, leaves: only === null ? BigInt(size) : null, subjects: proven };
    const items = this.items(only === null ? [...shown, index] : shown, index);
    return { head, items, checkpoint: this.checkpoint() };
  }

  async accountingText(...subjectIds: string[]): Promise<string> {
    return proofText(await this.accounting(subjectIds));
  }

  /** Leaves, and what is passed over before, between and behind them. */
  items(indices: readonly number[], map: number | null = null): ProofItem[] {
    const passed = (from: number, to: number): ProofItem[] =>
      [...subtreesBetween(BigInt(from), BigInt(to))].map((subtree) => ({ what: 'passed', hash: this.read(subtree) }));
    const items = indices.flatMap((at, i): ProofItem[] => [
      ...passed((indices[i - 1] ?? -1) + 1, at),
      { what: at === map ? 'map' : 'leaf', index: BigInt(at), leaf: this.leaves[at]! },
    ]);
    return [...items, ...passed((indices.at(-1) ?? -1) + 1, this.leaves.length)];
  }

  private checkpoint(): string {
    return this.sign(this.leaves.length, treeRoot(BigInt(this.leaves.length), this.read));
  }

  private readonly read: ReadHash = ({ level, index }) =>
    level === 0
      ? hashLeafText(this.leaves[Number(index)]!)
      : hashNode(
          this.read({ level: level - 1, index: index * 2n }),
          this.read({ level: level - 1, index: index * 2n + 1n }),
        );
}
