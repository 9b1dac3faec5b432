import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CONFIG_VARIABLES, parseConfig, unknownVariables } from '@sijill/platform';
import { parse } from 'yaml';

const ROOT = join(import.meta.dirname, '..', '..');

interface Service {
  readonly image?: string;
  readonly build?: { readonly context: string; readonly dockerfile: string };
  readonly environment?: Record<string, string>;
  readonly volumes?: readonly string[];
  readonly ports?: readonly string[];
  readonly depends_on?: Record<string, { readonly condition: string }>;
  readonly healthcheck?: { readonly test?: readonly string[]; readonly disable?: boolean };
  readonly restart?: string;
  readonly command?: readonly string[];
}

interface Compose {
  readonly services: Record<string, Service>;
  readonly volumes: Record<string, unknown>;
}

const compose = parse(readFileSync(join(ROOT, 'docker-compose.yml'), 'utf8')) as Compose;
const lasting = Object.entries(compose.services).filter(([, { restart }]) => restart !== 'no');

function service(name: string): Service {
  const found = compose.services[name];
  if (found === undefined) throw new Error(`docker-compose.yml has no service ${name}`);
  return found;
}

describe('docker-compose.yml', () => {
  it('runs the server with its store, broker and database', () => {
    expect(lasting.map(([name]) => name).sort()).toEqual(['eventstoredb', 'kafka', 'postgres', 'server']);
    expect(service('eventstoredb').image).toBe('eventstore/eventstore:24.10');
    expect(service('kafka').image).toBe('apache/kafka:4.1.0');
    expect(service('postgres').image).toBe('postgres:17');
    expect(existsSync(join(ROOT, service('server').build?.dockerfile ?? 'none'))).toBe(true);
  });

  it.each(lasting)('asks %s how it is', (_, { healthcheck }) => {
    expect(healthcheck?.test?.length).toBeGreaterThan(1);
  });

  it('starts the server after the others are healthy, its keyring is there and its producer registered', () => {
    expect(service('server').depends_on).toEqual({
      keyring: { condition: 'service_completed_successfully' },
      producers: { condition: 'service_completed_successfully' },
      eventstoredb: { condition: 'service_healthy' },
      kafka: { condition: 'service_healthy' },
      postgres: { condition: 'service_healthy' },
    });
  });

  it('keeps what has to last in named volumes', () => {
    const mounted = lasting.flatMap(([, { volumes }]) => volumes ?? []).map((volume) => volume.split(':')[0]);
    expect(new Set(mounted)).toEqual(new Set(Object.keys(compose.volumes)));
    for (const [, { volumes }] of lasting) expect(volumes?.length).toBeGreaterThan(0);
  });

  it('publishes ports on the loopback address only', () => {
    const ports = lasting.flatMap(([, service]) => service.ports ?? []);
    expect(ports.length).toBeGreaterThan(0);
    for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:/);
  });

  it('registers the owner of each topic first, in the database of the server, and does so once', () => {
    const { environment, command = [], depends_on, restart } = service('producers');
    const { kafka } = parseConfig({ ...service('server').environment });
    expect(kafka?.topics).toEqual([{ topic: 'privacy.activity', producer: 'platform' }]);
    for (const { producer } of kafka!.topics) {
      expect(command.join(' ')).toContain(`grep -q '"name":"${producer}"' || sijill producers add ${producer} `);
    }
    expect(environment?.['SIJILL_DATABASE']).toBe(service('server').environment?.['SIJILL_DATABASE']);
    expect(depends_on).toEqual({ postgres: { condition: 'service_healthy' } });
    expect(restart).toBe('no');
  });

  it('lets the server read its keyring and what signs, each from a volume of its own, and never write them', () => {
    const directory = service('server').volumes?.find((volume) => volume.startsWith('keyring:'));
    expect(directory).toBe('keyring:/run/secrets/sijill:ro');
    expect(service('server').environment?.['SIJILL_KEYRING_FILE']).toBe('/run/secrets/sijill/keyring.json');
    expect(service('server').volumes).toContain('signing:/run/secrets/sijill-signing:ro');
    expect(parseConfig({ ...service('server').environment }).logSigner).toEqual({
      kind: 'file',
      file: '/run/secrets/sijill-signing/log-key-{generation}.json',
    });
    expect(service('keyring').volumes).toContain('signing:/var/lib/sijill-signing');
    expect(service('keyring').command?.join(' ')).toContain(
      'keys signing --out /var/lib/sijill-signing/log-key-1.json',
    );
  });
});

describe('the environment of the server in docker-compose.yml', () => {
  const environment = { ...service('server').environment };

  it('uses only variables that the configuration knows', () => {
    const names = Object.keys(environment).filter((name) => name.startsWith('SIJILL_'));
    expect(names.length).toBeGreaterThan(5);
    expect(unknownVariables(environment)).toEqual([]);
    expect(names.filter((name) => !CONFIG_VARIABLES.some((variable) => variable.name === name))).toEqual([]);
  });

  it('means EventStoreDB, PostgreSQL and Kafka, by the names of their services', () => {
    const config = parseConfig(environment);
    expect(config.mode).toBe('production');
    expect(config.http).toEqual({ host: '0.0.0.0', port: 8480 });
    expect(config.eventStore).toEqual({
      kind: 'eventstoredb',
      connectionString: 'esdb://eventstoredb:2113?tls=false',
    });
    if (config.database.kind !== 'postgresql') throw new Error('the database is not PostgreSQL');
    const { hostname, username, password } = new URL(config.database.url);
    expect({ hostname, username, password }).toEqual({
      hostname: 'postgres',
      username: service('postgres').environment?.['POSTGRES_USER'],
      password: service('postgres').environment?.['POSTGRES_PASSWORD'],
    });
    expect(config.kafka?.brokers).toEqual(['kafka:9092']);
    expect(config.keyring).toEqual({ kind: 'file', file: '/run/secrets/sijill/keyring.json' });
  });
});
