import {
  isPacked,
  isRefusal,
  parseVerifierKey,
  proofLines,
  readLeaf,
  textOf,
  verifyAccountingProof,
  verifyLeaf,
  verifyOpening,
  verifyReport,
  type Accounting,
  type OpenedCheckpoint,
  type OpeningVerified,
  type ReportVerified,
  type Trust,
  type VerifierKey,
} from '@sijill/transparency';

/** What a file turned out to be. A file that is nothing else is taken for a leaf, whose bytes can be any. */
export type FileKind = 'keys' | 'proof' | 'leaf' | 'unsealed' | 'accounting' | 'report';

export interface GivenFile {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly kind: FileKind;
}

export interface ProvenLeaf {
  readonly what: 'entry';
  readonly index: bigint;
  readonly checkpoint: OpenedCheckpoint;
  /** The proof, as it was given: the picture is drawn from it. */
  readonly proof: string;
  readonly leaf: Uint8Array;
  /** What somebody had opened of it; null when no unsealed entry is beside it. */
  readonly opened: OpeningVerified | null;
}

export interface ProvenAccounting {
  readonly what: 'accounting';
  readonly accounting: Accounting;
  /** Null when there is no report beside the proof. */
  readonly report: ReportVerified | null;
}

/** What is still needed: of files, of trust, or (`secure`) of the page itself, since browsers have AES in secure contexts only. */
export type MissingPart = 'key' | 'proof' | 'leaf' | 'quorum' | 'secure';

/** What can be said about the files that were given: it holds; it does not; something is missing; or the check itself failed. */
export type Verdict =
  | { readonly state: 'missing'; readonly parts: readonly MissingPart[] }
  | { readonly state: 'holds'; readonly shown: ProvenLeaf | ProvenAccounting }
  | { readonly state: 'refused' | 'failed'; readonly reason: string };

/** Tells by its content what a file is. */
export function fileOf(name: string, bytes: Uint8Array): GivenFile {
  return { name, bytes, kind: kindOf(bytes) };
}

function kindOf(bytes: Uint8Array): FileKind {
  // A leaf is canonical JSON, and no other file of ours is packed.
  if (isPacked(bytes)) return 'accounting';
  const text = textIn(bytes);
  if (text === null) return 'leaf';
  if (text.startsWith('sijill accounting proof ')) return 'accounting';
  if (text.startsWith('c2sp.org/tlog-proof@')) return 'proof';
  if (keysIn(text) !== null) return 'keys';
  try {
    const document = JSON.parse(text) as { report?: unknown; opening?: unknown } | null;
    if (document?.report === 'accounting') return 'report';
    if (document?.opening !== undefined) return 'unsealed';
  } catch {
    // Not JSON either.
  }
  return 'leaf';
}

/** The verifier keys in a text, one a line; null when it is anything else. */
export function keysIn(text: string): VerifierKey[] | null {
  const keys: VerifierKey[] = [];
  try {
    for (const line of linesIn(text)) if (line !== '') keys.push(parseVerifierKey(line));
  } catch {
    return null;
  }
  return keys.length === 0 ? null : keys;
}

/** One after the other, without the space around them: a report has millions, and its first is no key. */
function* linesIn(text: string): Generator<string> {
  for (let from = 0; from <= text.length;) {
    const end = text.indexOf('\n', from);
    const line = text.slice(from, end < 0 ? text.length : end);
    yield line.trim();
    from += line.length + 1;
  }
}

/**
 * Whom the keys that were given are to be trusted as.
 *
 * @param quorum how many of the witnesses must have cosigned; all of them when null
 */
export function trustIn(keys: readonly VerifierKey[], quorum: number | null): Trust {
  const witnesses = keys.filter(({ type }) => type === 'cosignature/v1');
  return { log: keys.filter(({ type }) => type === 'ed25519'), witnesses, quorum: quorum ?? witnesses.length };
}

/** What is judged of the files that were given: the last proof, and the last of what belongs beside such a proof. */
export interface Judged {
  readonly proof?: GivenFile | undefined;
  /** Beside the proof of an entry its leaf, beside that of an accounting its report. */
  readonly beside?: GivenFile | undefined;
  /** Beside the proof of an entry: what was opened of it. */
  readonly unsealed?: GivenFile | undefined;
}

export function judgedOf(files: readonly GivenFile[]): Judged {
  const lastOf = (...kinds: FileKind[]): GivenFile | undefined => files.findLast(({ kind }) => kinds.includes(kind));
  const proof = lastOf('proof', 'accounting');
  if (proof === undefined) return {};
  return proof.kind === 'proof'
    ? { proof, beside: lastOf('leaf'), unsealed: lastOf('unsealed') }
    : { proof, beside: lastOf('report') };
}

/** Judges the files that were given. */
export async function judge(files: readonly GivenFile[], trust: Trust): Promise<Verdict> {
  const { proof, beside, unsealed } = judgedOf(files);
  const parts: MissingPart[] = [];
  if (trust.log.length === 0) parts.push('key');
  if ((trust.quorum ?? 0) > (trust.witnesses?.length ?? 0)) parts.push('quorum');
  if (proof === undefined) parts.push('proof');
  if (proof?.kind === 'proof' && beside === undefined) parts.push('leaf');
  if (unsealed !== undefined && !isSecureContext) parts.push('secure');
  if (proof === undefined || parts.length > 0) return { state: 'missing', parts };
  try {
    if (proof.kind === 'accounting') {
      const accounting = verifyAccountingProof(proofLines(proof.bytes), trust);
      const report = beside === undefined ? null : verifyReport(accounting, textOf(beside.bytes));
      return { state: 'holds', shown: { what: 'accounting', accounting, report } };
    }
    const text = textOf(proof.bytes);
    const leaf = beside!.bytes;
    const proven = verifyLeaf(leaf, text, trust);
    const opened = unsealed === undefined ? null : await verifyOpening(readLeaf(textOf(leaf)), textOf(unsealed.bytes));
    return { state: 'holds', shown: { what: 'entry', ...proven, proof: text, leaf, opened } };
  } catch (error) {
    // Whatever else goes wrong must not look like an answer.
    return { state: isRefusal(error) ? 'refused' : 'failed', reason: error instanceof Error ? error.message : '' };
  }
}

function textIn(bytes: Uint8Array): string | null {
  try {
    return textOf(bytes);
  } catch {
    return null;
  }
}
