import type { Speaker } from '@sijill/contracts';
import { PRODUCER_NAME } from '@sijill/platform';
import { looksPersonal } from '@sijill/vault';

export const PRODUCER_REGISTERED = 'sijill.producer.registered.v1';
export const PRODUCER_CHANGED = 'sijill.producer.changed.v1';
export const PRODUCER_RETIRED = 'sijill.producer.retired.v1';

/** A registered service that hands over events: what it may say, and for how long it may. */
export interface Producer {
  readonly name: string;
  /** Prefixes of the CloudEvents sources that it may use, sorted; none: any. */
  readonly sources: readonly string[];
  readonly realm: string;
  readonly mayLink: boolean;
  readonly createdAt: string;
  /** Since when nothing is taken from it any more. */
  readonly retiredAt: string | null;
}

/** What may be said of a producer; what is left out stays as it was, or is as for a new one. */
export interface ProducerTerms {
  readonly sources?: readonly string[] | undefined;
  readonly realm?: string | undefined;
  readonly mayLink?: boolean | undefined;
}

export const DEFAULT_REALM = 'default';
const REALM = /^[a-z0-9.-]{1,40}$/;
const MOST_SOURCES = 100;

/** The registry does not do this; the message says why, and what can be done. */
export class ProducerRefused extends Error {
  override readonly name = 'ProducerRefused';
  constructor(
    readonly code: 'bad_name' | 'bad_source' | 'bad_realm' | 'taken' | 'unknown' | 'retired',
    message: string,
  ) {
    super(message);
  }
}

/** @throws ProducerRefused bad_name */
export function producerName(name: string): string {
  if (PRODUCER_NAME.test(name)) return name;
  throw new ProducerRefused(
    'bad_name',
    'a producer needs a name of 1 to 64 small letters, digits, dots, dashes or underscores that begins with a letter or digit',
  );
}

/**
 * Terms in their stored form: prefixes sorted, each once.
 *
 * @param region for phone numbers: sources are open for ever, so that a prefix that looks like a person's number is refused
 * @throws ProducerRefused bad_source, bad_realm
 */
export function checkedTerms(terms: ProducerTerms, region: string): ProducerTerms {
  const { realm, sources, mayLink } = terms;
  if (realm !== undefined && !REALM.test(realm))
    throw new ProducerRefused('bad_realm', 'a realm is 1 to 40 small letters, digits, dots or dashes');
  for (const source of sources ?? []) checkSource(source, region);
  if (sources !== undefined && sources.length > MOST_SOURCES)
    throw new ProducerRefused('bad_source', `a producer has at most ${MOST_SOURCES} prefixes of sources`);
  return { realm, mayLink, sources: sources && [...new Set(sources)].sort() };
}

function checkSource(source: string, region: string): void {
  if (!/^[\x21-\x7e]{1,256}$/.test(source))
    throw new ProducerRefused(
      'bad_source',
      'a prefix of a source is 1 to 256 visible ASCII characters, as in an address: /sms/ or https://sms.example/',
    );
  if (source.split(/[/#?:]/).some((part) => looksPersonal(part, region)))
    throw new ProducerRefused(
      'bad_source',
      'a source looks like a phone number or an email address; sources stay readable for ever, so none may name a person',
    );
}

/** What a producer may say, as the intake asks it; null once it is retired. */
export function speakerFrom({ name, realm, mayLink, sources, retiredAt }: Producer): Speaker | null {
  return retiredAt === null ? { producer: name, realm, mayLink, sources } : null;
}
