import { verifierKey, type VerifierKey } from './verifier-key.js';

const AFTER_LOSS = /^(.+?)\/after-loss-([1-9]\d{0,5})$/;

/** What the name of a log says: under which it began, and how often the end of its store was lost since, on record. */
export interface LogName {
  readonly began: string;
  readonly losses: number;
}

/**
 * The name that a log signs in. One whose store has lost its end cannot grow from what it has signed. It goes on in another name, which says so
 * to everybody who reads one, with keys that nobody has to be told of anew.
 *
 * @param losses 0 for a log that has lost nothing
 */
export function logName({ began, losses }: LogName): string {
  return losses === 0 ? began : `${began}/after-loss-${losses}`;
}

export function readLogName(name: string): LogName {
  const [, began, losses] = AFTER_LOSS.exec(name) ?? [];
  return began === undefined ? { began: name, losses: 0 } : { began, losses: Number(losses) };
}

/** Whether two names are of one log, before a loss and behind it. */
export function isSameLog(one: string, other: string): boolean {
  return readLogName(one).began === readLogName(other).began;
}

/** Those keys that are a log's, as they sign in a name of it. @param name the log's, before a loss or behind one */
export function keysNamed(name: string, keys: readonly VerifierKey[]): VerifierKey[] {
  return keys
    .filter((key) => key.type === 'ed25519' && isSameLog(key.name, name))
    .map(({ type, publicKey }) => verifierKey(name, type, publicKey));
}
