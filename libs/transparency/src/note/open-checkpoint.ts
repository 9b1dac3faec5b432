import { ProofInvalid } from '../tree/proofs.js';
import { parseCheckpoint, type Checkpoint } from './checkpoint.js';
import { cosignaturesOf, type Cosignature } from './cosignature.js';
import { isSameLog, keysNamed } from './log-name.js';
import { parseNote, signersOf } from './signed-note.js';
import type { VerifierKey } from './verifier-key.js';

/** Whom a verifier believes. */
export interface Trust {
  /**
   * Keys of the log; one of them must have signed. A checkpoint of another origin than the key's name is not the log's, but for the name that
   * the log goes on in behind a loss.
   */
  readonly log: readonly VerifierKey[];
  readonly witnesses?: readonly VerifierKey[];
  /** How many of the witnesses must have cosigned; none when absent. */
  readonly quorum?: number;
}

export interface OpenedCheckpoint extends Checkpoint {
  readonly cosignatures: readonly Cosignature[];
}

/**
 * A checkpoint that holds: signed by the log, and cosigned by as many witnesses as are asked for.
 *
 * @throws FormatInvalid it is no signed checkpoint
 * @throws ProofInvalid  it is not signed as it should be
 */
export function openCheckpoint(noteText: string, { log, witnesses = [], quorum = 0 }: Trust): OpenedCheckpoint {
  const note = parseNote(noteText);
  const checkpoint = parseCheckpoint(note.text);
  if (signersOf(note, keysNamed(checkpoint.origin, log)).length === 0)
    throw new ProofInvalid(
      `the checkpoint is not signed by the log's key: it says it is of ${checkpoint.origin}${wayFrom(log, checkpoint)}`,
    );
  const cosignatures = cosignaturesOf(note, witnesses);
  if (cosignatures.length < quorum)
    throw new ProofInvalid(`${cosignatures.length} of the witnesses have cosigned the checkpoint, ${quorum} must have`);
  return { ...checkpoint, cosignatures };
}

/** Whoever has a key of the log, and not the one that signs, comes from one to the other. */
function wayFrom(log: readonly VerifierKey[], { origin }: Checkpoint): string {
  return log.some(({ name }) => isSameLog(name, origin))
    ? ', of which you have another key; where it has changed its key, "sijill verify keys" leads from yours to the one that signs'
    : '';
}
