import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigInvalid, describeConfig, parseConfig, unknownVariables } from './config.js';

const faultsOf = (env: Record<string, string>): readonly string[] => {
  try {
    parseConfig(env);
    return [];
  } catch (error) {
    return (error as ConfigInvalid).faults;
  }
};

describe('configuration', () => {
  it('needs nothing: everything embedded, on the loopback address', () => {
    const config = parseConfig({});
    expect(config.http).toEqual({ host: '127.0.0.1', port: 8480 });
    expect(config.eventStore.kind).toBe('embedded');
    expect(config.database.kind).toBe('embedded');
    expect(config.kafka).toBeNull();
    expect(config.limits).toEqual({
      eventBytes: 262_144,
      dataSubjects: 1000,
      clockSkewSeconds: 300,
      pendingBytes: 67_108_864,
      bodyBytes: 8_388_608,
    });
    expect(config.keyringFile).toBe(join(config.dataDir, 'vault', 'keyring.json'));
  });

  it('reads topics with their owners', () => {
    const { kafka } = parseConfig({
      SIJILL_KAFKA_BROKERS: 'a:9092, b:9092',
      SIJILL_KAFKA_TOPICS: 'privacy.activity=sms,other',
    });
    expect(kafka?.brokers).toEqual(['a:9092', 'b:9092']);
    expect(kafka?.topics).toEqual([
      { topic: 'privacy.activity', producer: 'sms' },
      { topic: 'other', producer: null },
    ]);
  });

  it('takes a secret from a file, and says so', () => {
    const file = join(mkdtempSync(join(tmpdir(), 'sijill-')), 'password');
    writeFileSync(file, 'secret\n');
    const env = {
      SIJILL_KAFKA_BROKERS: 'a:1',
      SIJILL_KAFKA_SASL_MECHANISM: 'plain',
      SIJILL_KAFKA_SASL_USERNAME: 'u',
      SIJILL_KAFKA_SASL_PASSWORD_FILE: file,
    };
    expect(parseConfig(env).kafka?.sasl).toEqual({ mechanism: 'plain', username: 'u', password: 'secret' });
    const shown = describeConfig(env).find(({ name }) => name === 'SIJILL_KAFKA_SASL_PASSWORD');
    expect(shown).toMatchObject({ value: '****', origin: 'file' });
  });

  it('masks the credentials in connection strings', () => {
    const shown = describeConfig({ SIJILL_DATABASE: 'postgresql://ledger:secret@db:5432/sijill' }).find(
      ({ name }) => name === 'SIJILL_DATABASE',
    );
    expect(shown?.value).toBe('postgresql://****@db:5432/sijill');
  });

  it('names every fault at once', () => {
    const faults = faultsOf({
      SIJILL_HTTP_PORT: '99999',
      SIJILL_ROLES: 'api,cook',
      SIJILL_EVENT_STORE: 'mysql://x',
      SIJILL_MAX_EVENT_BYTES: 'big',
      SIJILL_LOG_LEVEL: 'loud',
    });
    expect(faults).toHaveLength(5);
    expect(faults.join()).toMatch(
      /SIJILL_HTTP_PORT.*cook.*SIJILL_EVENT_STORE.*SIJILL_MAX_EVENT_BYTES.*SIJILL_LOG_LEVEL/,
    );
  });

  it.each([
    [{ SIJILL_KAFKA_BROKERS: 'kafka' }, 'SIJILL_KAFKA_BROKERS'],
    [{ SIJILL_KAFKA_BROKERS: 'a:1', SIJILL_KAFKA_SASL_MECHANISM: 'plain' }, 'SIJILL_KAFKA_SASL_USERNAME'],
    [{ SIJILL_DEFAULT_REGION: 'Saudi' }, 'SIJILL_DEFAULT_REGION'],
    [{ SIJILL_DATABASE: 'oracle' }, 'SIJILL_DATABASE'],
    [{ SIJILL_NODE_ID: 'a b' }, 'SIJILL_NODE_ID'],
    [{ SIJILL_DATABASE_FILE: '/nowhere/at/all' }, 'SIJILL_DATABASE_FILE'],
  ])('refuses %p', (env, named) => {
    expect(faultsOf(env as Record<string, string>).join()).toContain(named);
  });

  it('reads sizes and times with their units', () => {
    expect(parseConfig({ SIJILL_MAX_EVENT_BYTES: '500 KiB', SIJILL_MAX_CLOCK_SKEW: '60 s' }).limits).toMatchObject({
      eventBytes: 512_000,
      clockSkewSeconds: 60,
    });
  });

  it('refuses what no entry could hold, and a country that is none', () => {
    expect(faultsOf({ SIJILL_MAX_EVENT_BYTES: '1 MiB' })).toHaveLength(1);
    expect(faultsOf({ SIJILL_DEFAULT_REGION: 'XX' })).toEqual([expect.stringContaining('SIJILL_DEFAULT_REGION')]);
  });

  it('masks every secret of an address', () => {
    const shown = (value: string): string | null =>
      describeConfig({ SIJILL_DATABASE: value }).find(({ name }) => name === 'SIJILL_DATABASE')!.value;
    expect(shown('postgresql://user:pa@ss@host/db?password=s3&sslmode=require&sslpassword=s5')).toBe(
      'postgresql://****@host/db?password=****&sslmode=require&sslpassword=****',
    );
  });

  it('notices variables that are misspelt', () => {
    expect(unknownVariables({ SIJILL_HTTP_PROT: '1', SIJILL_DATABASE_FILE: 'x', PATH: '' })).toEqual([
      'SIJILL_HTTP_PROT',
    ]);
  });
});
