import type { Config } from '@sijill/platform';
import type { ApiKeys } from '../api-keys.js';
import type { Producers } from './producers.js';

/** The configuration or a key names producers that nobody may speak for; the message says each, and what to do. */
export class ProducersUnknown extends Error {
  override readonly name = 'ProducersUnknown';
  constructor(readonly faults: readonly string[]) {
    super(`the server does not start:\n${faults.map((fault) => `  - ${fault}`).join('\n')}`);
  }
}

/** At a start nobody acts but the ledger itself. */
const LEDGER = { name: 'ledger', principal: 'ledger' };

/**
 * Sees to it that the owners of all topics, and the producers of all keys in use, are registered. In development owners of a new
 * name are registered here.
 *
 * @throws ProducersUnknown in production
 */
export async function assertProducersKnown(
  { mode, kafka }: Pick<Config, 'mode' | 'kafka'>,
  producers: Pick<Producers, 'list' | 'admit'>,
  keys: Pick<ApiKeys, 'list'>,
): Promise<void> {
  const known = new Set((await producers.list()).map(({ name }) => name));
  const topics = kafka?.topics ?? [];
  if (mode === 'development') {
    for (const { producer } of topics) if (!known.has(producer)) await producers.admit(producer, LEDGER);
    return;
  }
  // One that was retired is known: its keys are refused when they are shown, and what its topics carry is quarantined.
  const faults = topics
    .filter(({ producer }) => !known.has(producer))
    .map(({ topic, producer }) => faultOf(`the topic ${topic}`, producer, 'name another owner in SIJILL_KAFKA_TOPICS'));
  for (const { id, producer, revokedAt } of await keys.list())
    if (producer !== null && revokedAt === null && !known.has(producer))
      faults.push(faultOf(`the key ${id}`, producer, `revoke it with "sijill keys revoke ${id}"`));
  if (faults.length > 0) throw new ProducersUnknown(faults);
}

const faultOf = (owned: string, producer: string, otherwise: string): string =>
  `${owned} belongs to the producer ${producer}, which is not registered: "sijill producers add ${producer}", or ${otherwise}`;
