import type { Config, Mode } from '@sijill/platform';
import type { ApiKey } from '../api-keys.js';
import type { Producer } from './producer.js';
import { assertProducersKnown } from './producers-known.js';

const producer = (name: string, retiredAt: string | null = null): Producer => ({
  name,
  sources: [],
  realm: 'default',
  mayLink: false,
  createdAt: '2026-07-01T12:00:00.000Z',
  retiredAt,
});
const key = (id: string, of: string | null, revokedAt: string | null = null): ApiKey => ({
  id,
  name: id,
  principal: 'p1',
  roles: of === null ? ['officer'] : ['producer'],
  producer: of,
  recipient: null,
  createdAt: '2026-07-01T12:00:00.000Z',
  expiresAt: null,
  revokedAt,
});

/** Looks at a start; what was registered by it is in the answer. */
async function start(mode: Mode, owners: readonly string[], known: Producer[], keys: ApiKey[] = []): Promise<string[]> {
  const admitted: string[] = [];
  const kafka = {
    topics: owners.map((owner) => ({ topic: `${owner}.topic`, producer: owner })),
  } as unknown as Config['kafka'];
  const producers = {
    list: () => Promise.resolve(known),
    admit: (name: string) => {
      admitted.push(name);
      return Promise.resolve({ producer: name, realm: 'default', mayLink: true, sources: [] });
    },
  };
  await assertProducersKnown({ mode, kafka }, producers, { list: () => Promise.resolve(keys) });
  return admitted;
}

describe('at a start, the producers', () => {
  it('of topics and keys must be registered in production; each that is not is named, with what to do', async () => {
    const keys = [
      key('k1', 'billing'),
      key('k2', 'sms'),
      key('k3', 'gone', '2026-07-02T00:00:00.000Z'),
      key('k4', null),
    ];
    const refused = start('production', ['platform', 'sms'], [producer('sms')], keys);
    await expect(refused).rejects.toMatchObject({
      name: 'ProducersUnknown',
      faults: [
        expect.stringMatching(/topic platform\.topic .*"sijill producers add platform".*SIJILL_KAFKA_TOPICS/),
        expect.stringMatching(/key k1 .*"sijill producers add billing".*"sijill keys revoke k1"/),
      ],
    });
  });

  it('that are registered are no obstacle, also where one was retired since', async () => {
    const known = [producer('platform', '2026-07-02T00:00:00.000Z'), producer('billing', '2026-07-02T00:00:00.000Z')];
    expect(await start('production', ['platform'], known, [key('k1', 'billing')])).toEqual([]);
  });

  it('of topics are registered in development where they are new', async () => {
    expect(await start('development', ['platform', 'sms'], [producer('sms')], [key('k1', 'billing')])).toEqual([
      'platform',
    ]);
  });

  it('are of no interest without Kafka and keys', async () => {
    const none = {
      list: () => Promise.resolve([]),
      admit: () => Promise.reject(new Error('nobody is to be admitted')),
    };
    await expect(assertProducersKnown({ mode: 'production', kafka: null }, none, none)).resolves.toBeUndefined();
  });
});
