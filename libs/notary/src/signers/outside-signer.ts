import { ed25519Verify, FormatInvalid, fromBase64, toBase64, type Signer } from '@sijill/transparency';
import { SignerFailed } from './signer-failed.js';

/** What keeps a key outside this process, and how it is asked. What it says is base64; nothing of that is believed. */
export interface KeptOutside {
  /** Which it is, in messages: no secret. */
  readonly name: string;
  /** @throws SignerFailed */
  publicKey(): Promise<string>;
  /** @throws SignerFailed */
  sign(message: Uint8Array): Promise<string>;
}

const [KEY_BYTES, SIGNATURE_BYTES] = [32, 64];

/**
 * A key that something outside this process keeps. Its public key is asked for once, here; a signature is handed on only if it holds
 * under that.
 *
 * @throws SignerFailed
 */
export async function outsideSigner(kept: KeptOutside): Promise<Signer> {
  const publicKey = bytesOf(kept, await kept.publicKey(), KEY_BYTES, 'public key');
  return {
    publicKey,
    sign: async (message) => {
      const signature = bytesOf(kept, await kept.sign(message), SIGNATURE_BYTES, 'signature');
      if (!ed25519Verify(publicKey, message, signature))
        throw new SignerFailed(
          `the signer ${kept.name} has answered with a signature that does not hold under its key ${toBase64(publicKey)}`,
        );
      return signature;
    },
  };
}

function bytesOf({ name }: KeptOutside, answer: string, length: number, what: string): Uint8Array {
  try {
    const bytes = fromBase64(answer);
    if (bytes.length === length) return bytes;
  } catch (error) {
    if (!(error instanceof FormatInvalid)) throw error;
  }
  throw new SignerFailed(`the signer ${name} has answered with what is no ${what}: it takes ${length} bytes in base64`);
}
