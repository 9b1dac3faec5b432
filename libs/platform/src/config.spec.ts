import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigInvalid, describeConfig, parseConfig, settingsInForce, unknownVariables } from './config.js';

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
    expect(config.mode).toBe('development');
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
    expect(config.keyring).toEqual({ kind: 'file', file: join(config.dataDir, 'vault', 'keyring.json') });
  });

  it('finds what signs in files, unless it is told where else', () => {
    const folder = mkdtempSync(join(tmpdir(), 'sijill-config-'));
    const config = parseConfig({ SIJILL_DATA_DIR: folder });
    expect(config.logSigner).toEqual({ kind: 'file', file: join(folder, 'vault', 'log-key-{generation}.json') });
    expect(config.witness.signer).toEqual({ kind: 'file', file: join(folder, 'vault', 'witness-key.json') });
    const token = join(folder, 'token');
    writeFileSync(token, 'secret\n');
    const log = (given: string): unknown =>
      parseConfig({ SIJILL_LOG_SIGNER: given, SIJILL_LOG_SIGNER_TOKEN_FILE: token }).logSigner;
    expect(log('file:/run/keys/{generation}.json')).toEqual({ kind: 'file', file: '/run/keys/{generation}.json' });
    expect(log('command:/usr/bin/hsm  --label log-{generation}')).toEqual({
      kind: 'command',
      command: ['/usr/bin/hsm', '--label', 'log-{generation}'],
    });
    for (const url of [
      'https://hsm.example/{generation}',
      'http://127.0.0.1:9000/{generation}',
      'http://[::1]/{generation}',
    ])
      expect(log(url)).toEqual({ kind: 'http', url, token: 'secret' });
  });

  it.each([
    ['one key for all generations', 'file:/run/keys/log.json', 'takes {generation}'],
    ['a name alone', '/run/keys/{generation}.json', 'takes file:PATH'],
    ['no program', 'command:', 'takes'],
    ['another machine in clear', 'http://hsm.example/{generation}', 'by https:// alone'],
    ['a password', 'https://user:pass@hsm.example/{generation}', 'without a name or password'],
    ['another protocol', 'ftp://hsm.example/{generation}', 'takes file:PATH'],
  ])('refuses %s for what signs the log', (_, given, said) => {
    const faults = faultsOf({ SIJILL_LOG_SIGNER: given });
    expect(faults).toEqual(expect.arrayContaining([expect.stringContaining(said)]));
    expect(faults.join()).not.toContain('pass@');
  });

  it('reads topics with their owners', () => {
    const { kafka } = parseConfig({
      SIJILL_KAFKA_BROKERS: 'a:9092, b:9092',
      SIJILL_KAFKA_TOPICS: 'privacy.activity=sms,other',
    });
    expect(kafka?.brokers).toEqual(['a:9092', 'b:9092']);
    expect(kafka?.topics).toEqual([
      { topic: 'privacy.activity', producer: 'sms' },
      // In development a topic without an owner belongs to a producer of its own name.
      { topic: 'other', producer: 'other' },
    ]);
  });

  it.each([
    ['other', 'production', /topic other has no owner.*other=PRODUCER/],
    ['Other', 'development', /Other is no producer's name/],
    ['other=Sms', 'development', /Sms is no producer's name/],
    ['other=', 'production', /is no producer's name/],
    ['other=a=b', 'development', /no Kafka topic/],
    ['other=a, other=b', 'development', /other twice/],
  ])('refuses the topics %p in %s', (topics, mode, message) => {
    const faults = faultsOf({ SIJILL_MODE: mode, SIJILL_KAFKA_BROKERS: 'a:1', SIJILL_KAFKA_TOPICS: topics });
    expect(faults).toEqual([expect.stringMatching(message)]);
  });

  it.each(['127.0.0.1', '127.9.9.9', '::1', 'localhost'])('listens on %s in development', (host) => {
    expect(faultsOf({ SIJILL_HTTP_HOST: host })).toEqual([]);
  });

  it.each(['0.0.0.0', '::', '192.168.1.5', '127.0.0.1.example.com', '127.evil', 'sijill.example'])(
    'does not listen on %s in development, and does in production',
    (host) => {
      expect(faultsOf({ SIJILL_HTTP_HOST: host })).toEqual([expect.stringContaining('SIJILL_MODE=production')]);
      expect(faultsOf({ SIJILL_HTTP_HOST: host, SIJILL_MODE: 'production' })).toEqual([]);
    },
  );

  it('is of the mode that SIJILL_MODE says, whatever Node is told', () => {
    expect(parseConfig({ NODE_ENV: 'production' }).mode).toBe('development');
    expect(parseConfig({ SIJILL_MODE: 'production' }).mode).toBe('production');
    expect(faultsOf({ SIJILL_MODE: 'test' })).toEqual([expect.stringContaining('development, production')]);
  });

  it.each([
    ['+40d', 40 * 86_400_000],
    ['+3h', 10_800_000],
    ['+15m', 900_000],
    ['+30s', 30_000],
  ])('reads the clock %s', (text, ahead) => {
    expect(parseConfig({ SIJILL_CLOCK: text }).clockAheadMs).toBe(ahead);
  });

  it.each(['40d', '-3h', '+1w', '+1.5h', '+', '+99999d', 'tomorrow'])('refuses the clock %s', (text) => {
    expect(faultsOf({ SIJILL_CLOCK: text })).toEqual([expect.stringContaining('+40d')]);
  });

  it('keeps the machine’s clock in production', () => {
    expect(faultsOf({ SIJILL_MODE: 'production', SIJILL_CLOCK: '+1h' })).toEqual([
      expect.stringContaining('development'),
    ]);
    expect(parseConfig({ SIJILL_MODE: 'production' }).clockAheadMs).toBe(0);
  });

  it('says for the record what is in force, and nothing secret', () => {
    const config = parseConfig({
      SIJILL_CLOCK: '+1h',
      SIJILL_TAG_DAYS: '500',
      SIJILL_DATABASE: 'postgresql://ledger:secret@db/sijill',
    });
    expect(settingsInForce(config)).toEqual({
      mode: 'development',
      clockAheadMs: 3_600_000,
      dualControl: [],
      limits: {
        eventBytes: 262_144,
        dataSubjects: 1000,
        clockSkewSeconds: 300,
        unseal: 30,
        breakGlass: 3,
        lookup: 300,
      },
      tagDays: 500,
      quarantineDays: 30,
    });
  });

  it('asks for two people in production, for what is named, and for nothing in development', () => {
    const of = (env: Record<string, string>): readonly string[] => parseConfig(env).dualControl;
    const all = ['erasure', 'hold_release', 'unseal', 'separation', 'suspension', 'policy'];
    expect(of({})).toEqual([]);
    expect(of({ SIJILL_MODE: 'production' })).toEqual(all);
    expect(of({ SIJILL_MODE: 'production', SIJILL_DUAL_CONTROL: 'none' })).toEqual([]);
    expect(of({ SIJILL_DUAL_CONTROL: 'separation, unseal,unseal' })).toEqual(['unseal', 'separation']);
    expect(settingsInForce(parseConfig({ SIJILL_DUAL_CONTROL: 'policy' })).dualControl).toEqual(['policy']);
    for (const [words, wrong] of [
      ['unsealing', /erasure, hold_release, .*; not unsealing/],
      ['none,unseal', /takes none, or some of .*; not none/],
      [',', /takes none, or some of/],
    ] as const)
      expect(faultsOf({ SIJILL_DUAL_CONTROL: words })).toEqual([expect.stringMatching(wrong)]);
  });

  it('limits how often one principal may have people shown', () => {
    expect(parseConfig({}).readingLimits).toEqual({ unseal: 30, breakGlass: 3, lookup: 300 });
    const set = { SIJILL_LIMIT_UNSEAL: '5', SIJILL_LIMIT_BREAK_GLASS: '0', SIJILL_LIMIT_LOOKUP: '10' };
    expect(parseConfig(set).readingLimits).toEqual({ unseal: 5, breakGlass: 0, lookup: 10 });
    expect(faultsOf({ SIJILL_LIMIT_UNSEAL: '0' })).toEqual([expect.stringMatching(/SIJILL_LIMIT_UNSEAL/)]);
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

  it('has the vault where the rest is, unless it is given a database of its own', () => {
    const url = 'postgresql://ledger:secret@db/sijill';
    const own = 'postgresql://keys:secret@vault/keys';
    expect(parseConfig({ SIJILL_DATABASE: url }).vaultDatabase).toEqual({ kind: 'postgresql', url });
    expect(parseConfig({ SIJILL_DATABASE: url, SIJILL_VAULT_DATABASE: own })).toMatchObject({
      database: { url },
      vaultDatabase: { url: own },
    });
    expect(parseConfig({ SIJILL_DATABASE: url, SIJILL_VAULT_DATABASE: 'embedded' }).vaultDatabase.kind).toBe(
      'embedded',
    );
    const shown = describeConfig({ SIJILL_VAULT_DATABASE: own }).find(({ name }) => name === 'SIJILL_VAULT_DATABASE');
    expect(shown?.value).not.toContain('secret');
    // One fault is told once.
    expect(faultsOf({ SIJILL_DATABASE: 'oracle' })).toHaveLength(1);
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
    [{ SIJILL_VAULT_DATABASE: 'oracle' }, 'SIJILL_VAULT_DATABASE'],
    [{ SIJILL_NODE_ID: 'a b' }, 'SIJILL_NODE_ID'],
    [{ SIJILL_TAG_DAYS: '0' }, 'SIJILL_TAG_DAYS'],
    [{ SIJILL_QUARANTINE_DAYS: 'x' }, 'SIJILL_QUARANTINE_DAYS'],
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
    const commands = { SIJILL_KEY: 'sijill_k', SIJILL_URL: 'http://127.0.0.1:8480' };
    expect(
      unknownVariables({ SIJILL_HTTP_PROT: '1', SIJILL_DATABASE_FILE: 'x', SIJILL_TENANT: 'a', PATH: '', ...commands }),
    ).toEqual(['SIJILL_HTTP_PROT', 'SIJILL_TENANT']);
  });

  it('takes a keyring from a file, a database of its own, or a program; and from one of them', () => {
    const of = (env: Record<string, string>) => parseConfig({ SIJILL_DATA_DIR: '/data', ...env }).keyring;
    const url = 'postgresql://reader:secret@keys.example/keys';
    expect(of({ SIJILL_KEYRING_FILE: '/run/keyring.json' })).toEqual({ kind: 'file', file: '/run/keyring.json' });
    expect(of({ SIJILL_KEYRING: url })).toEqual({ kind: 'postgresql', url });
    expect(of({ SIJILL_KEYRING: 'command:/bin/keys  --vault v' })).toEqual({
      kind: 'command',
      command: ['/bin/keys', '--vault', 'v'],
    });
    for (const [env, message] of [
      [{ SIJILL_KEYRING: url, SIJILL_KEYRING_FILE: '/run/keyring.json' }, 'two places for one keyring'],
      [{ SIJILL_KEYRING: url, SIJILL_VAULT_DATABASE: url }, 'a database of the ledger'],
      [{ SIJILL_KEYRING: 'keyring.json' }, 'postgresql://, or command:PROGRAM'],
      [{ SIJILL_KEYRING: 'command:' }, 'postgresql://, or command:PROGRAM'],
    ] as const)
      expect(() => of(env)).toThrow(message);
    const shown = describeConfig({ SIJILL_KEYRING: url }).find(({ name }) => name === 'SIJILL_KEYRING');
    expect(shown?.value).toBe('postgresql://****@keys.example/keys');
  });
});
