import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Command } from 'commander';
import { inspectLedger, openStore, sqlTarget } from '@sijill/ledger';
import { LogStore } from '@sijill/notary';
import {
  clockOf,
  createLogger,
  describeConfig,
  leftBeside,
  parseConfig,
  sharesVaultDatabase,
  unknownVariables,
  type Config,
} from '@sijill/platform';
import { ReadModels } from '@sijill/read-models';
import { findKeyring, keyringPlaceOf, Vault, vaultExists, VaultLost } from '@sijill/vault';
import { EXIT } from '../exit-codes.js';
import { printAnswer, table } from '../terminal/print.js';
import { checkAccess } from './check-access.js';
import { checkSigners } from './check-signers.js';
import { fail, nameOf, no, ok, warn, type Finding } from './finding.js';
import { checkStreamRights, setStreamRights } from './stream-rights.js';

export function addDoctor(program: Command): void {
  program
    .command('doctor')
    .summary('check the configuration and all that the server needs')
    .description(
      'Checks configuration, store, the rights on its streams, broker, database, vault, keys, what signs, producers, log and clock, and says what ' +
        'to do. It ' +
        'changes nothing unless it is told to.',
    )
    .option('--print-config', 'show each value and where it came from, secrets masked')
    .option('--protect-streams', 'first set the rights on EventStoreDB that keep streams from being deleted or cut')
    .option('--json', 'one JSON document')
    .addHelpText(
      'after',
      '\n--protect-streams connects as the administrator that SIJILL_EVENT_STORE_ADMIN, or the file that\n' +
        'SIJILL_EVENT_STORE_ADMIN_FILE names, gives as a connection string: never on the command line, and for this one run only.\n' +
        'It keeps deleting and metadata writing for administrators and lets the user of SIJILL_EVENT_STORE read the log.\n' +
        '\nExit codes: 0 all is well, 1 rights are missing or streams were cut, 2 wrong use, 3 something cannot be reached.\n' +
        '\nExamples:\n  $ sijill doctor\n  $ sijill doctor --print-config\n' +
        '  $ SIJILL_EVENT_STORE_ADMIN_FILE=/run/secrets/es-admin sijill doctor --protect-streams',
    )
    .action(async (options: { printConfig?: boolean; protectStreams?: boolean; json?: boolean }) => {
      if (options.printConfig === true) {
        const values = describeConfig(process.env);
        printAnswer(options.json === true, { config: values }, () =>
          table(
            ['variable', 'value', 'from', 'meaning'],
            values.map(({ name, value, origin, about }) => [name, value ?? '(none)', origin, about]),
            [32, 34, 13, 60],
          ),
        );
        return;
      }
      const config = parseConfig(process.env);
      const changed = options.protectStreams === true ? await setStreamRights(config) : null;
      const findings = [
        ...checkConfig(config),
        checkMode(config),
        ...checkDataDir(config),
        ...(await checkStore(config)),
        ...(await checkStreamRights(config)),
        ...(await checkDatabase(config)),
        ...(await checkVault(config)),
        ...(await checkLedger(config)),
        ...(await checkAccess(config)),
        ...(await checkLog(config)),
        ...(await checkSigners(config)),
        ...(await checkBroker(config)),
      ];
      const came = (status: Finding['status']): boolean => findings.some((finding) => finding.status === status);
      const answer = { ok: !came('fail') && !came('no'), ...(changed === null ? {} : { changed }), checks: findings };
      printAnswer(options.json === true, answer, () => [...changesShown(changed), findingsShown(findings)].join('\n'));
      process.exitCode = came('fail') ? EXIT.unreachable : came('no') ? EXIT.no : EXIT.done;
    });
}

function changesShown(changed: readonly string[] | null): string[] {
  if (changed === null) return [];
  return changed.length === 0 ? ['the rights were set already'] : changed.map((change) => `set: ${change}`);
}

function findingsShown(findings: readonly Finding[]): string {
  return table(
    ['check', '', 'what was found', 'what to do'],
    findings.map(({ check, status, detail, cure }) => [check, status, detail, cure ?? '']),
    [15, 7, 55, 50],
  );
}

function checkConfig(config: Config): Finding[] {
  const unknown = unknownVariables(process.env);
  return [
    unknown.length === 0
      ? ok('configuration', `data in ${config.dataDir}; roles ${config.roles.join(', ')}`)
      : warn(
          'configuration',
          `not known: ${unknown.join(', ')}`,
          'look for a misspelling; "doctor --print-config" lists what is known',
        ),
  ];
}

function checkMode({ mode, clockAheadMs }: Config): Finding {
  if (mode === 'production') return ok('mode', 'production');
  const clock =
    clockAheadMs === 0 ? '' : `; the clock is ${duration(clockAheadMs)} ahead of the machine's (SIJILL_CLOCK)`;
  return ok('mode', `development: on this machine's loopback address only${clock}`);
}

const DAY_MS = 86_400_000;

function duration(milliseconds: number): string {
  return milliseconds % DAY_MS === 0 ? `${milliseconds / DAY_MS} days` : `${milliseconds / 1000} s`;
}

/** Looks and does not touch: the nearest folder that exists must be one that can be written into. */
function checkDataDir({ dataDir }: Config): Finding[] {
  let nearest = dataDir;
  while (!existsSync(nearest) && dirname(nearest) !== nearest) nearest = dirname(nearest);
  const cure = 'set SIJILL_DATA_DIR to a folder of its own that this user can write to';
  if (!statSync(nearest).isDirectory()) return [fail('data directory', `${nearest} is no folder`, cure)];
  try {
    accessSync(nearest, constants.W_OK | constants.X_OK);
  } catch {
    return [fail('data directory', `${nearest} cannot be written to by this user`, cure)];
  }
  return [ok('data directory', nearest === dataDir ? dataDir : `${dataDir}; it will be made on the first start`)];
}

/** Where the store ends; null for an embedded one that is not there yet. */
async function headOf(config: Config): Promise<number | null> {
  if (config.eventStore.kind === 'embedded' && !existsSync(config.eventStore.file)) return null;
  const store = await openStore(config, createLogger('silent'));
  try {
    return await store.head();
  } finally {
    await store.close();
  }
}

async function checkStore(config: Config): Promise<Finding[]> {
  try {
    const head = await headOf(config);
    if (head === null) return [ok('event store', 'embedded; it will be made on the first start')];
    const kind = config.eventStore.kind;
    return [ok('event store', `${kind}; the last entry is at position ${head}`)];
  } catch (error) {
    return [fail('event store', nameOf(error), 'check SIJILL_EVENT_STORE and that the server runs and is reachable')];
  }
}

async function checkDatabase(config: Config): Promise<Finding[]> {
  const target = sqlTarget(config, 'read-models');
  if (target.kind === 'sqlite' && !existsSync(target.file))
    return [ok('database', 'embedded; it will be made on the first start')];
  try {
    const readModels = await ReadModels.open(target, clockOf(config));
    const { position, time } = await readModels.asOf();
    await readModels.close();
    return [
      ok('database', `${config.database.kind}; the read models stand at position ${position}`),
      clock(position === 0 ? 0 : Date.parse(time) - clockOf(config).now()),
    ];
  } catch (error) {
    return [fail('database', nameOf(error), 'check SIJILL_DATABASE, the rights of its user, and that the server runs')];
  }
}

async function checkLog(config: Config): Promise<Finding[]> {
  const target = sqlTarget(config, 'notary');
  if (target.kind === 'sqlite' && !existsSync(target.file))
    return [ok('log', 'none yet; it will be made on the first start')];
  try {
    const log = await LogStore.open(target);
    const checkpoint = await log.checkpoint();
    await log.close();
    if (checkpoint === null) return [ok('log', 'nothing was signed yet')];
    const { size, position, signedAt } = checkpoint;
    return [ok('log', `${size} entries are signed, up to position ${position}; the last checkpoint is of ${signedAt}`)];
  } catch (error) {
    return [fail('log', nameOf(error), 'check SIJILL_DATABASE, the rights of its user, and that the server runs')];
  }
}

/** @param ahead by how many milliseconds the newest entry was recorded later than this clock says it is */
function clock(ahead: number): Finding {
  if (ahead <= 1_000) return ok('clock', 'not behind the newest entry');
  const detail = `the newest entry was recorded ${Math.round(ahead / 1000)} s ahead of this clock`;
  return warn('clock', detail, 'synchronize the clocks of all nodes (NTP)');
}

async function checkVault(config: Config): Promise<Finding[]> {
  const target = sqlTarget(config, 'vault');
  const place = keyringPlaceOf(config.keyring);
  try {
    const exists = await vaultExists(target);
    const keyring = await findKeyring(place);
    if (keyring === null) {
      if (exists)
        return [
          fail(
            'vault',
            `the keyring ${place.where} is missing and a vault exists`,
            'put the keyring back from its backup, or set SIJILL_KEYRING_FILE or SIJILL_KEYRING',
          ),
        ];
      if (config.mode === 'production')
        return [
          fail(
            'vault',
            `there is no keyring ${place.where}`,
            'make one with "sijill keys keyring --out FILE" and set SIJILL_KEYRING_FILE',
          ),
        ];
      return [ok('vault', 'none yet; vault and keyring will be made on the first start')];
    }
    const file = config.keyring.kind === 'file' ? config.keyring.file : null;
    const findings = [
      file !== null && (statSync(file).mode & 0o077) !== 0
        ? warn('keyring', `${file} can be read by others`, `chmod 600 ${file}`)
        : ok('keyring', `the one ${place.where}, of the ledger ${keyring.ledgerId}`),
      ...leftOfKeyring(file === null ? [] : leftBeside(file)),
    ];
    if (!exists) {
      if (((await headOf(config)) ?? 0) > 0) throw new VaultLost(target);
      return [...findings, ok('vault', 'none yet; it will be made on the first start')];
    }
    const vault = await Vault.open(target, keyring, clockOf(config), config.defaultRegion);
    const left = (await vault.secrets.wrappedBefore()) + (await vault.directory.indexedBefore());
    await vault.close();
    const opens = `${config.vaultDatabase.kind}; it opens with this keyring`;
    const rotating = left === 0 ? '' : `; ${left} rows are still made with keys before the current ones`;
    return [...findings, ok('vault', `${opens}${rotating}`), ...sharing(config)];
  } catch (error) {
    return [fail('vault', nameOf(error), 'the message says what to do')];
  }
}

/** Whether store, vault, database and log are those of one ledger. What cannot be read, others tell of. */
async function checkLedger(config: Config): Promise<Finding[]> {
  try {
    if ((await findKeyring(keyringPlaceOf(config.keyring))) === null) return [];
    const { shown, fault } = await inspectLedger(config, createLogger('silent'));
    if (fault === null) return [ok('ledger', `${shown.ledgerId}; all parts are its own, and as far as each other`)];
    return [no('ledger', fault.message, 'see "sijill ledger show", and the guide "On EventStoreDB"')];
  } catch {
    return [];
  }
}

function leftOfKeyring(files: readonly string[]): Finding[] {
  if (files.length === 0) return [];
  const detail = `${files.join(', ')} may hold all keys: whoever changed the keyring was killed, or is at it now`;
  return [warn('keyring', detail, `when nobody changes the keyring: rm ${files.join(' ')}`)];
}

function sharing(config: Config): Finding[] {
  if (config.mode !== 'production' || !sharesVaultDatabase(config)) return [];
  const detail = 'it shares a database with the read models, so that what is to be forgotten is in the backups of both';
  return [warn('vault', detail, 'give it a database of its own, with backups of its own: SIJILL_VAULT_DATABASE')];
}

async function checkBroker(config: Config): Promise<Finding[]> {
  const { kafka } = config;
  if (kafka === null) return [ok('kafka', 'off: SIJILL_KAFKA_BROKERS is not set')];
  const { Kafka, logLevel } = (await import('kafkajs')).default;
  const client = new Kafka({
    clientId: 'sijill-doctor',
    brokers: [...kafka.brokers],
    logLevel: logLevel.NOTHING,
    connectionTimeout: 3_000,
    retry: { retries: 1 },
    ...(kafka.ssl ? { ssl: true } : {}),
    ...(kafka.sasl === null ? {} : { sasl: kafka.sasl as never }),
  });
  const admin = client.admin();
  try {
    await admin.connect();
    const present = new Set(await admin.listTopics());
    const missing = kafka.topics.filter(({ topic }) => !present.has(topic)).map(({ topic }) => topic);
    return [
      missing.length === 0
        ? ok('kafka', `${kafka.brokers.join(', ')}; topics ${kafka.topics.map(({ topic }) => topic).join(', ')}`)
        : warn(
            'kafka',
            `the brokers have no topic ${missing.join(', ')}`,
            'create it, or correct SIJILL_KAFKA_TOPICS; the intake waits for it',
          ),
    ];
  } catch (error) {
    return [
      fail('kafka', nameOf(error), 'check SIJILL_KAFKA_BROKERS, TLS and SASL settings, and that the brokers run'),
    ];
  } finally {
    await admin.disconnect().catch(() => undefined);
  }
}
