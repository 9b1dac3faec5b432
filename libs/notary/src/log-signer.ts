import {
  formatCheckpoint,
  formatNote,
  formatVerifierKey,
  signingKey,
  signNote,
  verifierKey,
  type VerifierKey,
} from '@sijill/transparency';

/** Signs what the log is, in the log's name. */
export interface LogSigner {
  readonly origin: string;
  /** The keys in force, as whoever verifies has them. */
  readonly keys: readonly VerifierKey[];
  /** A checkpoint, signed with every key in force. C2SP tlog-checkpoint. */
  sign(size: bigint, root: Uint8Array): string;
}

/** @param seeds of the Ed25519 keys in force, 32 bytes each */
export function logSigner(origin: string, seeds: readonly Uint8Array[]): LogSigner {
  const signing = seeds.map(signingKey);
  return {
    origin,
    keys: signing.map(({ publicKey }) => verifierKey(origin, 'ed25519', publicKey)),
    sign: (size, root) => {
      const text = formatCheckpoint({ origin, size, root, extensions: [] });
      return formatNote({ text, signatures: signing.map((key) => signNote(text, origin, key)) });
    },
  };
}

/** The keys as text, one a line. */
export function verifierKeyText(keys: readonly VerifierKey[]): string {
  return keys.map((key) => `${formatVerifierKey(key)}\n`).join('');
}
