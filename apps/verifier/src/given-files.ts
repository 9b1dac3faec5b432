import {
  isRefusal,
  parseVerifierKey,
  textOf,
  verifyAccountingProof,
  verifyLeaf,
  verifyReport,
  type Accounting,
  type OpenedCheckpoint,
  type ReportVerified,
  type Trust,
  type VerifierKey,
} from '@sijill/transparency';

/** What a file turned out to be. A file that is nothing else is taken for a leaf, whose bytes can be any. */
export type FileKind = 'keys' | 'proof' | 'leaf' | 'accounting' | 'report';

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
}

export interface ProvenAccounting {
  readonly what: 'accounting';
  readonly accounting: Accounting;
  /** Null when there is no report beside the proof. */
  readonly report: ReportVerified | null;
}

/** What can be said about the files that were given: it holds; it does not; or something is missing. */
export type Verdict =
  | { readonly state: 'missing'; readonly parts: readonly ('key' | 'proof' | 'leaf' | 'quorum')[] }
  | { readonly state: 'holds'; readonly shown: ProvenLeaf | ProvenAccounting }
  | { readonly state: 'refused'; readonly reason: string };

/** Tells by its content what a file is. */
export function fileOf(name: string, bytes: Uint8Array): GivenFile {
  return { name, bytes, kind: kindOf(bytes) };
}

function kindOf(bytes: Uint8Array): FileKind {
  const text = textIn(bytes);
  if (text === null) return 'leaf';
  if (text.startsWith('c2sp.org/tlog-proof@')) return 'proof';
  if (keysIn(text) !== null) return 'keys';
  try {
    const document = JSON.parse(text) as { format?: unknown; report?: unknown } | null;
    if (String(document?.format).startsWith('sijill accounting proof ')) return 'accounting';
    if (document?.report === 'accounting') return 'report';
  } catch {
    // Not JSON either.
  }
  return 'leaf';
}

/** The verifier keys in a text, one a line; null when it is anything else. */
export function keysIn(text: string): VerifierKey[] | null {
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== '');
  if (lines.length === 0) return null;
  try {
    return lines.map((line) => parseVerifierKey(line.trim()));
  } catch {
    return null;
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

/** Judges the files that were given; of each kind the last one counts. */
export function judge(files: readonly GivenFile[], trust: Trust): Verdict {
  const last = (kind: FileKind): GivenFile | undefined => files.findLast((file) => file.kind === kind);
  const [accounting, proof, leaf, report] = [last('accounting'), last('proof'), last('leaf'), last('report')];
  const parts = [
    ...(trust.log.length === 0 ? (['key'] as const) : []),
    ...((trust.quorum ?? 0) > (trust.witnesses?.length ?? 0) ? (['quorum'] as const) : []),
    ...(accounting === undefined && proof === undefined ? (['proof'] as const) : []),
    ...(accounting === undefined && leaf === undefined ? (['leaf'] as const) : []),
  ];
  if (parts.length > 0) return { state: 'missing', parts };
  try {
    if (accounting !== undefined) {
      const proven = verifyAccountingProof(textOf(accounting.bytes), trust);
      const verified = report === undefined ? null : verifyReport(proven, textOf(report.bytes));
      return { state: 'holds', shown: { what: 'accounting', accounting: proven, report: verified } };
    }
    const text = textOf(proof!.bytes);
    const { index, checkpoint } = verifyLeaf(leaf!.bytes, text, trust);
    return { state: 'holds', shown: { what: 'entry', index, checkpoint, proof: text, leaf: leaf!.bytes } };
  } catch (error) {
    if (isRefusal(error)) return { state: 'refused', reason: error.message };
    throw error;
  }
}

function textIn(bytes: Uint8Array): string | null {
  try {
    return textOf(bytes);
  } catch {
    return null;
  }
}
