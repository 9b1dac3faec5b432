import {
  formatCheckpoint,
  formatNote,
  formatVerifierKey,
  signNote,
  verifierKey,
  type Signer,
  type VerifierKey,
} from '@sijill/transparency';

/** Signs what the log is, in the log's name. */
export interface LogSigner {
  readonly origin: string;
  /** The keys in force, as whoever verifies has them. */
  readonly keys: readonly VerifierKey[];
  /** A checkpoint, signed with every key in force. C2SP tlog-checkpoint. @throws SignerFailed */
  sign(size: bigint, root: Uint8Array): Promise<string>;
}

/** @param signers the keys in force */
export function logSigner(origin: string, signers: readonly Signer[]): LogSigner {
  return {
    origin,
    keys: signers.map(({ publicKey }) => verifierKey(origin, 'ed25519', publicKey)),
    sign: async (size, root) => {
      const text = formatCheckpoint({ origin, size, root, extensions: [] });
      return formatNote({ text, signatures: await Promise.all(signers.map((key) => signNote(text, origin, key))) });
    },
  };
}

/** The keys as text, one a line. */
export function verifierKeyText(keys: readonly VerifierKey[]): string {
  return keys.map((key) => `${formatVerifierKey(key)}\n`).join('');
}
