import {
  canonicalJson,
  formatAccountingProof,
  formatCheckpoint,
  formatMapProof,
  formatNote,
  formatProof,
  formatVerifierKey,
  hashLeafText,
  hashNode,
  inclusionProof,
  MAP_LANE,
  signingKey,
  signNote,
  subjectKey,
  SubjectMap,
  SUBJECTS_MAPPED,
  toBase64,
  treeRoot,
  verifierKey,
  type AccountingProof,
  type PlacedLeaf,
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
      const { data } = JSON.parse(leaf) as { data?: { subjectId?: string } };
      const subjectId = data?.subjectId;
      if (subjectId === undefined) return [];
      return [{ key: subjectKey(subjectId), leafIndex: BigInt(at), leafHash: hashLeafText(leaf) }];
    });
    const tiles = new Map<string, Uint8Array>();
    const subjects = new SubjectMap({
      read: (prefixes) =>
        Promise.resolve(new Map(prefixes.filter((at) => tiles.has(at)).map((at) => [at, tiles.get(at)!]))),
    });
    const { root, written } = await subjects.extend(entries);
    for (const [prefix, tile] of written) tiles.set(prefix, tile);
    const data = { occurredAt: '2026-07-01T00:00:00.000Z', root: toBase64(root), size: String(size), subjects: '0' };
    const index = this.entry(SUBJECTS_MAPPED, MAP_LANE, data);
    this.map = { index, size, subjects };
    return index;
  }

  /** The proof that a leaf is in the log. */
  proof(at: number): string {
    return formatProof({ ...this.place(at), checkpoint: this.checkpoint() });
  }

  async accounting(...subjectIds: string[]): Promise<AccountingProof> {
    const { index, size, subjects } = this.map!;
    const accounted: AccountingProof['subjects'][number][] = [];
    for (const subject of subjectIds) {
      const { proof } = await subjects.prove(subjectKey(subject));
      const entries = this.leaves.flatMap((leaf, at) =>
        at < size && leaf.includes(`"subjectId":"${subject}"`) ? [{ ...this.place(at), leaf }] : [],
      );
      accounted.push({ subject, proof: formatMapProof(proof), entries });
    }
    return {
      asOf: { position: 1n, leaves: BigInt(size) },
      checkpoint: this.checkpoint(),
      map: { ...this.place(index), leaf: this.leaves[index]! },
      subjects: accounted,
    };
  }

  async accountingText(...subjectIds: string[]): Promise<string> {
    return formatAccountingProof(await this.accounting(...subjectIds));
  }

  place(at: number): PlacedLeaf {
    return { index: BigInt(at), path: inclusionProof(BigInt(at), BigInt(this.leaves.length), this.read) };
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
