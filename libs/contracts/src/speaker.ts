/** Whoever speaks to the ledger: a registered producer, and what it may say. */
export interface Speaker {
  /** The registered name. */
  readonly producer: string;
  /** Where its account and device ids mean something, unless an event names another realm. */
  readonly realm: string;
  /** Whether its events may tie identifiers to each other, and names of other realms. */
  readonly mayLink: boolean;
  /** Prefixes of the sources that it may use; an empty list permits any. */
  readonly sources: readonly string[];
}

/** The characters at which one part of a source ends and the next begins. */
const BOUNDARIES = '/#?:';

/**
 * Whether a producer may use a source. A prefix stands for itself and for everything below it: `/sms` permits `/sms` and
 * `/sms/gateway`, not `/smsx`; a prefix that ends at a boundary, such as `urn:sms:`, permits whatever begins with it.
 */
export function mayUseSource(speaker: Pick<Speaker, 'sources'>, source: string): boolean {
  const { sources } = speaker;
  return sources.length === 0 || sources.some((prefix) => permits(prefix, source));
}

function permits(prefix: string, source: string): boolean {
  if (prefix === '' || !source.startsWith(prefix)) return false;
  if (source.length === prefix.length) return true;
  return BOUNDARIES.includes(prefix.at(-1)!) || BOUNDARIES.includes(source.charAt(prefix.length));
}
