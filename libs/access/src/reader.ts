import type { Speaker } from '@sijill/contracts';
import type { Role } from './roles.js';

/** Whoever reads or changes something, as the ledger records it. A `Caller` is one. */
export interface Reader {
  /** The key that was shown; null for whoever runs a command on the machine itself without one. */
  readonly keyId: string | null;
  /** What people call it. A person's, perhaps: sealed wherever it is kept. */
  readonly name: string;
  /** Stable, opaque, and the same for all keys of one name. */
  readonly principal: string;
  readonly roles: readonly Role[];
}

/** Who acts by a command. */
export interface ActingReader extends Reader {
  /** The producer that the key speaks for; null where it speaks for none, and without a key. */
  readonly producer: Speaker | null;
}

/** Who changes keys or producers, and why. */
export interface Acting extends Pick<Reader, 'name' | 'principal'> {
  /** Free text, sealed; not everywhere asked for. */
  readonly reason?: string;
}
