import { readFileSync } from 'node:fs';
import { isIPv4 } from 'node:net';
import { join, resolve } from 'node:path';
import { isSupportedCountry } from 'libphonenumber-js/max';

/** A configuration that cannot be used: every fault is listed, each with the variable to change. */
export class ConfigInvalid extends Error {
  override readonly name = 'ConfigInvalid';
  constructor(readonly faults: readonly string[]) {
    super(`the configuration cannot be used:\n${faults.map((fault) => `  - ${fault}`).join('\n')}`);
  }
}

export const ROLES_OF_PROCESS = ['api', 'intake', 'projector', 'notary', 'witness'] as const;
export type ProcessRole = (typeof ROLES_OF_PROCESS)[number];

const WITNESS_POLICIES = ['open', 'closed'] as const;
export type WitnessPolicyName = (typeof WITNESS_POLICIES)[number];

const MODES = ['development', 'production'] as const;
/** `development`: of one machine, for trying; what is missing is made. `production`: nothing is made silently. */
export type Mode = (typeof MODES)[number];

/** What may need a second person, who confirms what another asked for. */
export const DUAL_CONTROLLED = ['erasure', 'hold_release', 'unseal', 'separation', 'suspension', 'policy'] as const;
export type DualControlled = (typeof DUAL_CONTROLLED)[number];

/** The form of a producer's name, the registered name of a service that hands over events. */
export const PRODUCER_NAME = /^[a-z0-9][a-z0-9._-]{0,63}$/;

export interface TopicSubscription {
  readonly topic: string;
  /** The registered producer whose events the topic carries. */
  readonly producer: string;
}

export interface KafkaConfig {
  readonly brokers: readonly string[];
  readonly topics: readonly TopicSubscription[];
  readonly group: string;
  readonly ssl: boolean;
  readonly sasl: { readonly mechanism: SaslMechanism; readonly username: string; readonly password: string } | null;
}

const SASL_MECHANISMS = ['plain', 'scram-sha-256', 'scram-sha-512'] as const;
export type SaslMechanism = (typeof SASL_MECHANISMS)[number];

const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** The whole configuration of a process, parsed once at its start. Sizes in bytes, times in seconds. */
export interface Config {
  readonly mode: Mode;
  /** By how many milliseconds the ledger's clock is ahead of the machine's; 0 in production. */
  readonly clockAheadMs: number;
  readonly dataDir: string;
  readonly http: { readonly host: string; readonly port: number };
  readonly roles: readonly ProcessRole[];
  /** Names the HTTP lane of this server; servers that share a store need different ones. */
  readonly nodeId: string;
  readonly eventStore:
    | { readonly kind: 'embedded'; readonly file: string }
    | { readonly kind: 'eventstoredb'; readonly connectionString: string };
  /** An administrator's connection to the event store; the server itself has no use for it. */
  readonly eventStoreAdmin: string | null;
  readonly database: DatabaseConfig;
  /** Of the vault alone: that of the rest unless it was given one. */
  readonly vaultDatabase: DatabaseConfig;
  /** `null`: no brokers are configured and Kafka intake is off. */
  readonly kafka: KafkaConfig | null;
  readonly keyring: KeyringConfig;
  /** The transparency log's name, in its checkpoints and verifier keys; null: one made of the ledger's id. */
  readonly logOrigin: string | null;
  /** Where the log's keys are, for whoever signs it. */
  readonly logSigner: SignerAddress;
  /** Who cosigns the log's checkpoints; null: nobody is asked. */
  readonly witnesses: {
    readonly addresses: readonly { readonly key: string; readonly url: string }[];
    readonly quorum: number;
    /** `closed`: a checkpoint without its quorum is not given away. */
    readonly policy: WitnessPolicyName;
  } | null;
  /** So many seconds after an entry was accepted the log holds it: what receipts promise. */
  readonly receiptSeconds: number;
  /** Where the key that signs receipts is, for whoever takes events in over HTTP. */
  readonly receiptSigner: SignerAddress;
  /** Where checkpoints are stamped, RFC 3161; null: nowhere. */
  readonly timeStampUrl: string | null;
  /** As a witness of others: its name (null: one made of the ledger's id), the verifier keys of the logs it witnesses, and its own key. */
  readonly witness: { readonly name: string | null; readonly logs: readonly string[]; readonly signer: SignerAddress };
  readonly defaultRegion: string;
  /** What needs a second person here, in the order of the list. What other servers of the ledger were told counts too, see `DualControl`. */
  readonly dualControl: readonly DualControlled[];
  /** How often one principal may do what shows people: so many in an hour, and of `breakGlass` in a day. */
  readonly readingLimits: { readonly unseal: number; readonly breakGlass: number; readonly lookup: number };
  readonly limits: {
    readonly eventBytes: number;
    readonly dataSubjects: number;
    readonly clockSkewSeconds: number;
    /** What one HTTP body may hold; fixed. */
    /** Of events in hand and not yet durable; beyond it senders are told to come back. */
    readonly pendingBytes: number;
    readonly bodyBytes: number;
  };
  /** How many days after the end of its quarter a generation of tag keys is kept, and with it the knowledge of repeats. */
  readonly tagDays: number;
  /** How many days the raw bytes of a quarantined record can be opened. */
  readonly quarantineDays: number;
  /** What is left free on the disk of an embedded ledger, so that it stays readable. */
  readonly diskReserveBytes: number;
  /** A port of its own for /metrics, or null to serve it beside the API. */
  readonly metricsPort: number | null;
  readonly logLevel: LogLevel;
}

/** Where the keyring lies: a file, a table in a database, or behind a program. */
export type KeyringConfig =
  | { readonly kind: 'file'; readonly file: string }
  | { readonly kind: 'postgresql'; readonly url: string }
  | { readonly kind: 'command'; readonly command: readonly [string, ...string[]] };

export type DatabaseConfig = { readonly kind: 'embedded' } | { readonly kind: 'postgresql'; readonly url: string };

/** Where something that signs keeps its keys; `{generation}` in it stands for the number of a key, where there are several. */
export type SignerAddress =
  | { readonly kind: 'file'; readonly file: string }
  /** A program and its arguments. */
  | { readonly kind: 'command'; readonly command: readonly [string, ...string[]] }
  /** A server, on this machine or by TLS, and the bearer token that it is shown. */
  | { readonly kind: 'http'; readonly url: string; readonly token: string | null };

/** Whether the vault lies in a database with other parts: what is to be forgotten is then in the backups of both. */
export function sharesVaultDatabase({ database, vaultDatabase }: Pick<Config, 'database' | 'vaultDatabase'>): boolean {
  return vaultDatabase.kind === 'postgresql' && holds(database, vaultDatabase.url);
}

interface Variable {
  readonly name: string;
  readonly default: string | null;
  readonly secret: boolean;
  readonly about: string;
}

const variable = (name: string, fallback: string | null, about: string, secret = false): Variable => ({
  name,
  default: fallback,
  secret,
  about,
});

/** Every variable that the configuration reads, in the order that `doctor --print-config` shows them. */
export const CONFIG_VARIABLES: readonly Variable[] = [
  variable('SIJILL_MODE', 'development', 'development, on the loopback address only; or production'),
  variable('SIJILL_CLOCK', null, "+40d, +3h: the ledger's clock ahead of the machine's; development only"),
  variable('SIJILL_DATA_DIR', './data', 'embedded store, read models, reports; the vault under vault/'),
  variable('SIJILL_HTTP_HOST', '127.0.0.1', 'address to listen on'),
  variable('SIJILL_HTTP_PORT', '8480', 'port to listen on; 0 picks a free one'),
  variable('SIJILL_ROLES', 'api,intake,projector,notary', 'what this process does'),
  variable('SIJILL_NODE_ID', 'node-1', 'names the HTTP lane; servers that share a store need different ones'),
  variable('SIJILL_EVENT_STORE', 'embedded', 'embedded, or an esdb:// connection string', true),
  variable(
    'SIJILL_EVENT_STORE_ADMIN',
    null,
    "an administrator's esdb:// connection string, for doctor --protect-streams only",
    true,
  ),
  variable('SIJILL_DATABASE', 'embedded', 'embedded, or a postgresql:// address for read models and vault', true),
  variable(
    'SIJILL_VAULT_DATABASE',
    null,
    'the vault in a database of its own, with backups of its own; as SIJILL_DATABASE unless set',
    true,
  ),
  variable('SIJILL_KAFKA_BROKERS', null, 'comma-separated host:port; without it Kafka intake is off'),
  variable(
    'SIJILL_KAFKA_TOPICS',
    'privacy.activity',
    "comma-separated; topic=producer names the topic's owner, which production requires",
  ),
  variable('SIJILL_KAFKA_GROUP', 'sijill-intake', 'consumer group'),
  variable('SIJILL_KAFKA_SSL', 'false', 'true to speak TLS to the brokers'),
  variable('SIJILL_KAFKA_SASL_MECHANISM', null, SASL_MECHANISMS.join(', ')),
  variable('SIJILL_KAFKA_SASL_USERNAME', null, 'user of the brokers'),
  variable('SIJILL_KAFKA_SASL_PASSWORD', null, 'its password', true),
  variable(
    'SIJILL_KEYRING_FILE',
    '<data dir>/vault/keyring.json',
    'made on first start in development; required in production',
  ),
  variable(
    'SIJILL_KEYRING',
    null,
    'a keyring that lies in no file: a postgresql:// address, of a database of its own, or command:PROGRAM, which gets and puts it',
    true,
  ),
  variable(
    'SIJILL_LOG_ORIGIN',
    null,
    "the transparency log's name, best an address of yours without its scheme; never change it",
  ),
  variable(
    'SIJILL_LOG_SIGNER',
    '<data dir>/vault/log-key-{generation}.json',
    "the log's keys, for the notary role: file:PATH, command:PROGRAM WORDS, http://… or https://…, with {generation} in it; made on first start in development",
  ),
  variable('SIJILL_LOG_SIGNER_TOKEN', null, 'bearer token for a signer that is a server', true),
  variable(
    'SIJILL_WITNESSES',
    null,
    "who cosigns the log: a witness's verifier key and its address, with a space; comma-separated",
  ),
  variable('SIJILL_WITNESS_QUORUM', null, 'how many of them have to cosign; all'),
  variable('SIJILL_WITNESS_POLICY', 'open', 'closed: checkpoints and proofs without that many are not given away'),
  variable(
    'SIJILL_RECEIPT_SIGNER',
    '<data dir>/vault/receipt-key.json',
    'the key that receipts are signed with, for the api role: file:PATH, command:PROGRAM WORDS, http://… or https://…; made on first start in development',
  ),
  variable('SIJILL_RECEIPT_SIGNER_TOKEN', null, 'bearer token for a signer that is a server', true),
  variable('SIJILL_RECEIPT_SECONDS', '60', 'a receipt promises that the log holds its entries so many seconds later'),
  variable(
    'SIJILL_TIME_STAMP_URL',
    null,
    'a time stamp authority (RFC 3161) that stamps a checkpoint of the log each hour',
    true,
  ),
  variable(
    'SIJILL_WITNESSED_LOGS',
    null,
    'for the witness role: verifier keys of the logs it cosigns; comma-separated',
  ),
  variable(
    'SIJILL_WITNESS_NAME',
    null,
    'the name of this witness, best an address of yours without its scheme; never change it',
  ),
  variable(
    'SIJILL_WITNESS_SIGNER',
    '<data dir>/vault/witness-key.json',
    "the witness's key, for the witness role: file:PATH, command:PROGRAM WORDS, http://… or https://…; made on first start in development",
  ),
  variable('SIJILL_WITNESS_SIGNER_TOKEN', null, 'bearer token for a signer that is a server', true),
  variable('SIJILL_DEFAULT_REGION', 'SA', 'ISO 3166 country of phone numbers without a country code'),
  variable(
    'SIJILL_DUAL_CONTROL',
    null,
    `what needs a second person: ${DUAL_CONTROLLED.join(', ')}, or none; all in production, none in development`,
  ),
  variable('SIJILL_LIMIT_UNSEAL', '30', 'entries that one principal may have opened in an hour'),
  variable('SIJILL_LIMIT_BREAK_GLASS', '3', 'of those that one opens alone where two are asked for: in a day'),
  variable('SIJILL_LIMIT_LOOKUP', '300', 'look-ups and lists of identifiers by one principal in an hour'),
  variable('SIJILL_MAX_EVENT_BYTES', '256 KiB', 'largest event'),
  variable('SIJILL_MAX_DATA_SUBJECTS', '1000', 'most data subjects in one event'),
  variable('SIJILL_MAX_CLOCK_SKEW', '300 s', 'how far ahead of this clock an event may be'),
  variable('SIJILL_TAG_DAYS', '400', 'days after its quarter that a repeat is recognized as one'),
  variable('SIJILL_QUARANTINE_DAYS', '30', 'days that raw bytes in quarantine can be opened'),
  variable('SIJILL_MAX_PENDING_BYTES', '64 MiB', 'events in hand and not yet durable; beyond it senders get 503'),
  variable('SIJILL_DISK_RESERVE', '256 MiB', 'room that intake leaves on the disk of an embedded ledger'),
  variable('SIJILL_METRICS_PORT', null, 'serve /metrics on a port of its own'),
  variable('SIJILL_LOG_LEVEL', 'info', LOG_LEVELS.join(', ')),
];

export type Environment = Readonly<Record<string, string | undefined>>;

/** Where a value came from: the environment, a file named by `…_FILE`, or the default. */
export type ConfigOrigin = 'environment' | 'file' | 'default';

interface Given {
  readonly text: string | null;
  readonly origin: ConfigOrigin;
}

/**
 * Parses the whole configuration from environment variables. A value may also come from a file: `NAME_FILE` holds its path.
 *
 * @throws ConfigInvalid with every fault at once
 */
export function parseConfig(env: Environment): Config {
  const faults: string[] = [];
  const text = (name: string): string | null => given(name, env, faults).text;
  const required = (name: string): string => text(name) ?? '';
  const integer = (name: string, least: number, most: number): number => {
    const value = Number(required(name));
    if (Number.isInteger(value) && value >= least && value <= most) return value;
    faults.push(`${name} takes a whole number from ${least} to ${most}`);
    return least;
  };
  const oneOf = <T extends string>(name: string, allowed: readonly T[]): T => {
    const value = required(name) as T;
    if (!allowed.includes(value)) faults.push(`${name} takes one of ${allowed.join(', ')}`);
    return value;
  };

  const dataDir = resolve(required('SIJILL_DATA_DIR'));
  const mode = oneOf('SIJILL_MODE', MODES);
  const host = required('SIJILL_HTTP_HOST');
  if (mode === 'development' && !isLoopback(host))
    faults.push(
      `SIJILL_HTTP_HOST: in development the server listens on this machine's loopback address alone; take 127.0.0.1, or set SIJILL_MODE=production`,
    );
  const database = databaseOf('SIJILL_DATABASE', required('SIJILL_DATABASE'), faults);
  const vault = text('SIJILL_VAULT_DATABASE');
  const config: Config = {
    mode,
    clockAheadMs: clockAheadOf(text('SIJILL_CLOCK'), mode, faults),
    dataDir,
    http: { host, port: integer('SIJILL_HTTP_PORT', 0, 65_535) },
    roles: listOf(required('SIJILL_ROLES')).map((role) => {
      if (!ROLES_OF_PROCESS.includes(role as ProcessRole)) {
        faults.push(`SIJILL_ROLES: there is no role ${role}; the roles are ${ROLES_OF_PROCESS.join(', ')}`);
      }
      return role as ProcessRole;
    }),
    nodeId: matching(
      'SIJILL_NODE_ID',
      required('SIJILL_NODE_ID'),
      /^[A-Za-z0-9._-]{1,64}$/,
      'letters, digits, . _ -',
      faults,
    ),
    eventStore: eventStoreOf(required('SIJILL_EVENT_STORE'), dataDir, faults),
    eventStoreAdmin: adminOf(text('SIJILL_EVENT_STORE_ADMIN'), faults),
    database,
    vaultDatabase: vault === null ? database : databaseOf('SIJILL_VAULT_DATABASE', vault, faults),
    kafka: kafkaOf(text, faults, required, oneOf, mode),
    keyring: keyringOf(text, dataDir, faults),
    logOrigin: nameOf('SIJILL_LOG_ORIGIN', text, faults),
    logSigner: signerOf('SIJILL_LOG_SIGNER', { text, dataDir, faults, manyKeys: true }),
    witnesses: witnessesOf(text, faults, integer, oneOf),
    receiptSeconds: integer('SIJILL_RECEIPT_SECONDS', 10, 86_400),
    receiptSigner: signerOf('SIJILL_RECEIPT_SIGNER', { text, dataDir, faults, manyKeys: false }),
    timeStampUrl: timeStampUrlOf(text('SIJILL_TIME_STAMP_URL'), faults),
    witness: {
      name: nameOf('SIJILL_WITNESS_NAME', text, faults),
      logs: listOf(text('SIJILL_WITNESSED_LOGS') ?? ''),
      signer: signerOf('SIJILL_WITNESS_SIGNER', { text, dataDir, faults, manyKeys: false }),
    },
    defaultRegion: regionOf('SIJILL_DEFAULT_REGION', required('SIJILL_DEFAULT_REGION').toUpperCase(), faults),
    dualControl: dualControlOf(text('SIJILL_DUAL_CONTROL'), mode, faults),
    readingLimits: {
      unseal: integer('SIJILL_LIMIT_UNSEAL', 1, 1_000_000),
      breakGlass: integer('SIJILL_LIMIT_BREAK_GLASS', 0, 1_000_000),
      lookup: integer('SIJILL_LIMIT_LOOKUP', 1, 1_000_000),
    },
    limits: {
      // Sealed and written down, an entry grows by about a third, and every store takes one mebibyte in one append.
      eventBytes: bytesOf('SIJILL_MAX_EVENT_BYTES', required('SIJILL_MAX_EVENT_BYTES'), [1, 512 * KIB], faults),
      dataSubjects: integer('SIJILL_MAX_DATA_SUBJECTS', 1, 100_000),
      clockSkewSeconds: secondsOf('SIJILL_MAX_CLOCK_SKEW', required('SIJILL_MAX_CLOCK_SKEW'), faults),
      pendingBytes: bytesOf('SIJILL_MAX_PENDING_BYTES', required('SIJILL_MAX_PENDING_BYTES'), [1, 1024 * MIB], faults),
      bodyBytes: 8 * 1024 * 1024,
    },
    tagDays: integer('SIJILL_TAG_DAYS', 1, 36_500),
    quarantineDays: integer('SIJILL_QUARANTINE_DAYS', 1, 36_500),
    diskReserveBytes: bytesOf('SIJILL_DISK_RESERVE', required('SIJILL_DISK_RESERVE'), [0, 1024 * MIB], faults),
    metricsPort: text('SIJILL_METRICS_PORT') === null ? null : integer('SIJILL_METRICS_PORT', 0, 65_535),
    logLevel: oneOf('SIJILL_LOG_LEVEL', LOG_LEVELS),
  };
  const { keyring } = config;
  if (keyring.kind === 'postgresql' && [database, config.vaultDatabase].some((each) => holds(each, keyring.url)))
    faults.push(
      'SIJILL_KEYRING names a database of the ledger: with its backup one would have the keys as well; name another',
    );
  if (config.roles.length === 0) faults.push('SIJILL_ROLES names no role');
  if (config.roles.includes('witness') && config.witness.logs.length === 0)
    faults.push('SIJILL_WITNESSED_LOGS: a witness needs the verifier key of a log at least, from its /log/vkey');
  if (faults.length > 0) throw new ConfigInvalid(faults);
  return config;
}

/** What a server can be reached at from its own machine alone. */
function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIPv4(host) && host.startsWith('127.'));
}

function dualControlOf(text: string | null, mode: Mode, faults: string[]): readonly DualControlled[] {
  if (text === null) return mode === 'production' ? DUAL_CONTROLLED : [];
  const words = listOf(text);
  if (words.length === 1 && words[0] === 'none') return [];
  const unknown = words.filter((word) => !DUAL_CONTROLLED.includes(word as DualControlled));
  if (words.length === 0 || unknown.length > 0)
    faults.push(
      `SIJILL_DUAL_CONTROL takes none, or some of ${DUAL_CONTROLLED.join(', ')}, comma-separated` +
        (unknown.length === 0 ? '' : `; not ${unknown.join(', ')}`),
    );
  return DUAL_CONTROLLED.filter((what) => words.includes(what));
}

const CLOCK_UNITS: Record<string, number> = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1000 };
const FURTHEST_MS = 100 * 366 * 86_400_000;

function clockAheadOf(text: string | null, mode: Mode, faults: string[]): number {
  if (text === null) return 0;
  const [, number, unit] = /^\+(\d{1,9})([dhms])$/.exec(text) ?? [];
  const ahead = Number(number) * (CLOCK_UNITS[unit ?? ''] ?? Number.NaN);
  if (!(ahead <= FURTHEST_MS)) faults.push('SIJILL_CLOCK takes +40d, +3h, +15m or +30s, at most a hundred years');
  else if (mode === 'production')
    faults.push(
      "SIJILL_CLOCK is for trying deadlines in development; in production the clock is the machine's: unset it",
    );
  return Number.isNaN(ahead) ? 0 : ahead;
}

function nameOf(name: string, text: (name: string) => string | null, faults: string[]): string | null {
  const given = text(name);
  if (given === null) return null;
  return matching(name, given, /^[A-Za-z0-9][A-Za-z0-9._/-]{0,127}$/, 'letters, digits, . _ - /', faults);
}

/** @param manyKeys each generation has a key of its own, which the address has to tell apart */
function signerOf(
  name: string,
  {
    text,
    dataDir,
    faults,
    manyKeys,
  }: { text: (name: string) => string | null; dataDir: string; faults: string[]; manyKeys: boolean },
): SignerAddress {
  const given = (text(name) ?? '').replace(/^<data dir>/, `file:${dataDir}`);
  const token = text(`${name}_TOKEN`);
  if (manyKeys && !given.includes('{generation}'))
    faults.push(`${name} takes {generation} where the number of a key stands: each generation has a key of its own`);
  if (given.startsWith('file:') && given !== 'file:') return { kind: 'file', file: resolve(given.slice(5)) };
  const command = commandIn(given);
  if (command !== null) return { kind: 'command', command };
  const url = given.replaceAll('{generation}', '1');
  const address = URL.canParse(url) ? new URL(url) : null;
  const named = address !== null && (address.username !== '' || address.password !== '');
  if (address === null || named || !(address.protocol === 'https:' || address.protocol === 'http:'))
    faults.push(
      `${name} takes file:PATH, command:PROGRAM WORDS, or an address with https:// (http:// on this machine) and without a name or password in it`,
    );
  else if (address.protocol === 'http:' && !isLoopback(address.hostname.replace(/^\[|\]$/g, '')))
    faults.push(`${name}: a signer on another machine is asked by https:// alone`);
  return { kind: 'http', url: given, token };
}

function witnessesOf(
  text: (name: string) => string | null,
  faults: string[],
  integer: (name: string, least: number, most: number) => number,
  oneOf: <T extends string>(name: string, allowed: readonly T[]) => T,
): Config['witnesses'] {
  const addresses = listOf(text('SIJILL_WITNESSES') ?? '').map((item) => {
    const [key = '', url = '', ...rest] = item.split(/\s+/);
    if (rest.length > 0 || !/^https?:\/\/[^\s]+$/.test(url))
      faults.push(
        'SIJILL_WITNESSES takes a verifier key, a space and an address with http:// or https://, comma-separated',
      );
    return { key, url };
  });
  const policy = oneOf('SIJILL_WITNESS_POLICY', WITNESS_POLICIES);
  const quorum = text('SIJILL_WITNESS_QUORUM');
  if (addresses.length === 0) {
    if (quorum !== null || policy === 'closed')
      faults.push(
        'SIJILL_WITNESSES names nobody, so that no quorum can be had: name witnesses, or leave the policy open',
      );
    return null;
  }
  return {
    addresses,
    quorum: quorum === null ? addresses.length : integer('SIJILL_WITNESS_QUORUM', 1, addresses.length),
    policy,
  };
}

function timeStampUrlOf(text: string | null, faults: string[]): string | null {
  if (text !== null && !(/^https?:\/\/[^\s/?#@]+([/?#]\S*)?$/.test(text) && URL.canParse(text)))
    faults.push('SIJILL_TIME_STAMP_URL takes an address with http:// or https://, without a name or password in it');
  return text;
}

/**
 * What is in force while a server runs on this configuration, as its ledger records it at each start: what somebody who judges
 * the entries of that time has to know. No addresses, no secrets.
 */
export function settingsInForce(config: Config): {
  readonly mode: Mode;
  readonly clockAheadMs: number;
  readonly dualControl: readonly DualControlled[];
  readonly limits: {
    readonly eventBytes: number;
    readonly dataSubjects: number;
    readonly clockSkewSeconds: number;
    readonly unseal: number;
    readonly breakGlass: number;
    readonly lookup: number;
  };
  readonly tagDays: number;
  readonly quarantineDays: number;
} {
  const { mode, clockAheadMs, dualControl, tagDays, quarantineDays } = config;
  const { eventBytes, dataSubjects, clockSkewSeconds } = config.limits;
  const limits = { eventBytes, dataSubjects, clockSkewSeconds, ...config.readingLimits };
  return { mode, clockAheadMs, dualControl, limits, tagDays, quarantineDays };
}

/** Each variable with its value, where it came from, and secrets masked: what `doctor --print-config` shows. */
export function describeConfig(
  env: Environment,
): { name: string; value: string | null; origin: ConfigOrigin; about: string }[] {
  return CONFIG_VARIABLES.map(({ name, secret, about }) => {
    const { text, origin } = given(name, env, []);
    const masked = text !== null && secret && origin !== 'default' ? maskSecret(text) : text;
    return { name, value: masked, origin, about };
  });
}

/** What commands read beside the configuration: the key of whoever acts, and the server that is spoken to. */
const COMMAND_VARIABLES = ['SIJILL_KEY', 'SIJILL_URL'];

/** Names that begin with SIJILL_ and mean nothing here: most likely misspelt. */
export function unknownVariables(env: Environment): string[] {
  const known = new Set([...CONFIG_VARIABLES.flatMap(({ name }) => [name, `${name}_FILE`]), ...COMMAND_VARIABLES]);
  return Object.keys(env).filter((name) => name.startsWith('SIJILL_') && !known.has(name));
}

function given(name: string, env: Environment, faults: string[]): Given {
  const known = CONFIG_VARIABLES.find((candidate) => candidate.name === name);
  const value = env[name];
  if (value !== undefined && value !== '') return { text: value.trim(), origin: 'environment' };
  // Of these two the one is no file's name for the other.
  const file = name.startsWith('SIJILL_KEYRING') ? undefined : env[`${name}_FILE`];
  if (file !== undefined && file !== '') {
    try {
      return { text: readFileSync(file, 'utf8').trim(), origin: 'file' };
    } catch {
      faults.push(`${name}_FILE names a file that cannot be read`);
    }
  }
  return { text: known?.default ?? null, origin: 'default' };
}

function maskSecret(text: string): string {
  if (text === 'embedded') return text;
  if (!/^[a-z+]+:\/\//.test(text)) return '****';
  return text
    .replace(/\/\/[^/?#]*@/, '//****@')
    .replace(/([?&][^=&]*(?:pass|pwd|secret|token|key)[^=&]*=)[^&]*/gi, '$1****');
}

function listOf(text: string): string[] {
  return text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}

function matching(name: string, value: string, pattern: RegExp, wanted: string, faults: string[]): string {
  if (!pattern.test(value)) faults.push(`${name} takes ${wanted}`);
  return value;
}

function eventStoreOf(text: string, dataDir: string, faults: string[]): Config['eventStore'] {
  if (text === 'embedded') return { kind: 'embedded', file: join(dataDir, 'ledger.sqlite') };
  if (!/^esdb(\+discover)?:\/\//.test(text)) {
    faults.push('SIJILL_EVENT_STORE takes "embedded" or a connection string that begins with esdb://');
  }
  return { kind: 'eventstoredb', connectionString: text };
}

function adminOf(text: string | null, faults: string[]): string | null {
  if (text !== null && !/^esdb(\+discover)?:\/\//.test(text))
    faults.push('SIJILL_EVENT_STORE_ADMIN takes a connection string that begins with esdb://');
  return text;
}

function databaseOf(name: string, text: string, faults: string[]): DatabaseConfig {
  if (text === 'embedded') return { kind: 'embedded' };
  if (!/^postgres(ql)?:\/\//.test(text)) {
    faults.push(`${name} takes "embedded" or an address that begins with postgresql://`);
  }
  return { kind: 'postgresql', url: text };
}

function keyringOf(text: (name: string) => string | null, dataDir: string, faults: string[]): KeyringConfig {
  const named = text('SIJILL_KEYRING_FILE');
  const given = named === null || named.startsWith('<') ? null : resolve(named);
  const elsewhere = text('SIJILL_KEYRING');
  if (elsewhere === null) return { kind: 'file', file: given ?? join(dataDir, 'vault', 'keyring.json') };
  if (given !== null) faults.push('SIJILL_KEYRING and SIJILL_KEYRING_FILE name two places for one keyring; unset one');
  const command = commandIn(elsewhere);
  if (command !== null) return { kind: 'command', command };
  if (!/^postgres(ql)?:\/\//.test(elsewhere) || !URL.canParse(elsewhere))
    faults.push('SIJILL_KEYRING takes an address that begins with postgresql://, or command:PROGRAM');
  return { kind: 'postgresql', url: elsewhere };
}

/** A program and its arguments in `command:PROGRAM WORDS`; null when a text names none. */
function commandIn(text: string): readonly [string, ...string[]] | null {
  const [program = '', ...args] = text.startsWith('command:') ? text.slice('command:'.length).trim().split(/\s+/) : [];
  return program === '' ? null : [program, ...args];
}

/** Whether a database is the one at an address. */
function holds(database: DatabaseConfig, url: string): boolean {
  return database.kind === 'postgresql' && database.url === url;
}

function kafkaOf(
  text: (name: string) => string | null,
  faults: string[],
  required: (name: string) => string,
  oneOf: <T extends string>(name: string, allowed: readonly T[]) => T,
  mode: Mode,
): KafkaConfig | null {
  const brokers = listOf(text('SIJILL_KAFKA_BROKERS') ?? '');
  if (brokers.length === 0) return null;
  for (const broker of brokers) {
    if (!/^[^\s:/]+:\d+$|^\[[0-9a-fA-F:]+\]:\d+$/.test(broker)) {
      faults.push('SIJILL_KAFKA_BROKERS takes host:port, comma-separated');
    }
  }
  const topics = listOf(required('SIJILL_KAFKA_TOPICS')).map((item): TopicSubscription => {
    const [topic = '', owner, ...rest] = item.split('=').map((part) => part.trim());
    if (!/^[A-Za-z0-9._-]{1,249}$/.test(topic) || rest.length > 0)
      faults.push('SIJILL_KAFKA_TOPICS holds a name that is no Kafka topic');
    else if (owner === undefined && mode === 'production')
      faults.push(
        `SIJILL_KAFKA_TOPICS: the topic ${topic} has no owner; write ${topic}=PRODUCER, with a name that "sijill producers add" registered`,
      );
    else if (!PRODUCER_NAME.test(owner ?? topic))
      faults.push(
        `SIJILL_KAFKA_TOPICS: ${owner ?? topic} is no producer's name (a-z, 0-9, . _ -, at most 64); write ${topic}=PRODUCER`,
      );
    return { topic, producer: owner ?? topic };
  });
  const twice = topics.find(({ topic }, index) => topics.findIndex((other) => other.topic === topic) < index);
  if (twice !== undefined) faults.push(`SIJILL_KAFKA_TOPICS names the topic ${twice.topic} twice`);
  if (topics.length === 0) faults.push('SIJILL_KAFKA_TOPICS names no topic');
  const mechanism = text('SIJILL_KAFKA_SASL_MECHANISM');
  const username = text('SIJILL_KAFKA_SASL_USERNAME');
  const password = text('SIJILL_KAFKA_SASL_PASSWORD');
  if (mechanism !== null && (username === null || password === null)) {
    faults.push(
      'SIJILL_KAFKA_SASL_MECHANISM needs SIJILL_KAFKA_SASL_USERNAME and SIJILL_KAFKA_SASL_PASSWORD (or …_FILE)',
    );
  }
  return {
    brokers,
    topics,
    group: required('SIJILL_KAFKA_GROUP'),
    ssl: oneOf('SIJILL_KAFKA_SSL', ['true', 'false'] as const) === 'true',
    sasl:
      mechanism === null
        ? null
        : {
            mechanism: oneOf('SIJILL_KAFKA_SASL_MECHANISM', SASL_MECHANISMS),
            username: username ?? '',
            password: password ?? '',
          },
  };
}

const KIB = 1024;
const MIB = 1024 * KIB;
const UNITS: Record<string, number> = { '': 1, b: 1, kib: KIB, kb: 1000, mib: MIB, mb: 1000 ** 2 };

function regionOf(name: string, region: string, faults: string[]): string {
  if (!isSupportedCountry(region))
    faults.push(`${name} takes a two-letter country code, such as SA; ${region} is none`);
  return region;
}

function bytesOf(name: string, text: string, [least, most]: [number, number], faults: string[]): number {
  const match = /^(\d+)\s*([a-z]*)$/i.exec(text);
  const unit = UNITS[match?.[2]?.toLowerCase() ?? '?'];
  const value = Number(match?.[1]) * (unit ?? Number.NaN);
  if (Number.isSafeInteger(value) && value >= least && value <= most) return value;
  const largest = most < MIB ? `${most / KIB} KiB` : `${most / MIB} MiB`;
  faults.push(`${name} takes a size such as 262144 or 256 KiB, and at most ${largest}`);
  return least;
}

function secondsOf(name: string, text: string, faults: string[]): number {
  const match = /^(\d+)\s*s?$/.exec(text);
  if (match) return Number(match[1]);
  faults.push(`${name} takes seconds, such as 300`);
  return 0;
}
