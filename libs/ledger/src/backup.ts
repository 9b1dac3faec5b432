import { createHash } from 'node:crypto';
import { createReadStream, existsSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { copyFile, open, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { Access } from '@sijill/access';
import { copyEmbeddedStore } from '@sijill/event-store';
import { isoTime, type Clock, type Config, type SqlTarget } from '@sijill/platform';
import { assertVaultExists, findKeyring, keyringIn, keyringPlaceOf, ROTATED_KEYS, Vault } from '@sijill/vault';
import { sqlTarget } from './sql-target.js';
import type { VacuumOrder } from './vacuum-thread.js';

/** A backup cannot be made or used; the message says why and what to do. */
export class BackupRefused extends Error {
  override readonly name = 'BackupRefused';
}

export interface BackupManifest {
  readonly backup: 'sijill';
  readonly version: 1;
  readonly createdAt: string;
  /** Store position of the last entry in it. */
  readonly position: number;
  /** The ids of the keys of the keyring without which its vault does not open, sorted. */
  readonly keys: readonly string[];
  readonly files: readonly { readonly name: string; readonly size: number; readonly sha256: string }[];
}

export type OnBackupProgress = (bytesDone: number, bytesTotal: number) => void;

const MANIFEST = 'manifest.json';

/**
 * Copies an embedded ledger while a server may be writing to it.
 *
 * The log comes first, so that the copy of the store has all that was signed; then the event store, and the vault after it: keys are
 * durable before the entries that use them, so every entry of the copy finds its key. Read models are left out, they are made again. The keyring is left out too, for whoever has a copy of the
 * data must not have the keys with it. The manifest is written last: without one a backup is not whole.
 *
 * @param folder must not exist yet, or be empty
 * @throws BackupRefused | KeyringUnusable
 */
export async function backUp(
  config: Config,
  folder: string,
  clock: Clock,
  onProgress: OnBackupProgress = () => undefined,
): Promise<BackupManifest> {
  if (!isEmbedded(config)) {
    throw new BackupRefused('this ledger lies in EventStoreDB or PostgreSQL; back those up with their own tools');
  }
  if (!existsSync(config.eventStore.file)) throw new BackupRefused(`there is no ledger in ${config.dataDir}`);
  await assertVaultExists(sqlTarget(config, 'vault'));
  if (existsSync(folder) && readdirSync(folder).length > 0) {
    throw new BackupRefused(`${folder} is not empty; a backup is never written over another`);
  }
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const databases = databasesOf(config).filter((file) => existsSync(file));
  const reports = filesBelow(join(config.dataDir, 'reports')).filter((file) => file.endsWith('.jwe'));
  const total = [...databases, ...reports].reduce((sum, file) => sum + statSync(file).size, 0);
  let done = 0;
  let position = 0;
  for (const file of databases) {
    const to = target(folder, config, file);
    const told = (bytes: number): void => onProgress(Math.min(total, done + bytes), total);
    if (file === config.eventStore.file)
      position = await copyEmbeddedStore(file, to, (reached, end) => told((statSync(file).size * reached) / end));
    else await vacuumed({ from: file, to }, told);
    done += statSync(file).size;
  }
  for (const file of reports) {
    await copyFile(file, target(folder, config, file));
    done += statSync(file).size;
    onProgress(done, total);
  }

  const keys = await readiedCopies(config, folder, clock);
  const files: BackupManifest['files'][number][] = [];
  for (const file of filesBelow(folder)) {
    await synced(file);
    files.push({ name: file.slice(folder.length + 1), size: statSync(file).size, sha256: await sha256Of(file) });
  }
  const createdAt = isoTime(clock.now());
  const manifest: BackupManifest = { backup: 'sijill', version: 1, createdAt, position, keys, files };
  const beside = join(folder, `${MANIFEST}.new`);
  await writeFile(beside, `${JSON.stringify(manifest, null, 2)}\n`);
  await synced(beside);
  await rename(beside, join(folder, MANIFEST));
  onProgress(total, total);
  return manifest;
}

const KEY_SETS = [...ROTATED_KEYS, 'authenticator'] as const;

type EmbeddedConfig = Config & { readonly eventStore: { readonly kind: 'embedded' } };

function isEmbedded(config: Config): config is EmbeddedConfig {
  return [config.eventStore, config.database, config.vaultDatabase].every(({ kind }) => kind === 'embedded');
}

/**
 * Puts a backup into an empty data directory, each file checked against the manifest before anything is written.
 *
 * @throws BackupRefused the backup is not whole or was changed, there is a ledger already, or no keyring to open it with
 */
export async function restore(
  config: Config,
  folder: string,
  onProgress: OnBackupProgress = () => undefined,
): Promise<BackupManifest> {
  if (!isEmbedded(config)) {
    throw new BackupRefused(
      'a backup is put back into an embedded ledger; unset SIJILL_EVENT_STORE, SIJILL_DATABASE and SIJILL_VAULT_DATABASE',
    );
  }
  const present = databasesOf(config).filter((file) => existsSync(file));
  if (present.length > 0) {
    throw new BackupRefused(
      `${config.dataDir} holds a ledger already (${present[0]}); set SIJILL_DATA_DIR to an empty folder`,
    );
  }
  const place = keyringPlaceOf(config.keyring);
  const keyring = await findKeyring(place);
  if (keyring === null) {
    throw new BackupRefused(
      `there is no keyring ${place.where}, and the backup can only be opened with the one that it was made with. Put it there, or set SIJILL_KEYRING_FILE or SIJILL_KEYRING; nothing was copied`,
    );
  }
  const manifest = await readManifest(folder);
  const missing = manifest.keys.find((id) => !KEY_SETS.some((name) => keyring[name].keys.has(id)));
  if (missing !== undefined) {
    throw new BackupRefused(
      `the keyring ${place.where} has no key ${missing}, which this backup needs: it is of another time, or the key was dropped since. Put back the one that was kept for this backup; nothing was copied`,
    );
  }
  const total = 2 * manifest.files.reduce((sum, { size }) => sum + size, 0);
  let done = 0;
  for (const { name, size, sha256 } of manifest.files) {
    const file = join(folder, name);
    if (!existsSync(file)) throw new BackupRefused(`the backup is not whole: ${name} is missing`);
    if ((await sha256Of(file)) !== sha256)
      throw new BackupRefused(`the backup was changed: ${name} is not what the manifest says`);
    onProgress((done += size), total);
  }
  for (const { name, size } of manifest.files) {
    const to = join(config.dataDir, name);
    mkdirSync(dirname(to), { recursive: true, mode: 0o700 });
    await copyFile(join(folder, name), to);
    await synced(to);
    onProgress((done += size), total);
  }
  return manifest;
}

/**
 * The copies of vault and access were made behind that of the store, and may know of entries that it has not.
 *
 * @returns the keys that the copy of the vault needs, and not those that the vault needs by now
 */
async function readiedCopies(config: EmbeddedConfig, folder: string, clock: Clock): Promise<readonly string[]> {
  const copyOf = (...name: string[]): SqlTarget => ({
    kind: 'sqlite',
    file: target(folder, config, join(config.dataDir, ...name)),
  });
  const keyring = await keyringIn(keyringPlaceOf(config.keyring));
  const vault = await Vault.open(copyOf('vault', 'vault.sqlite'), keyring, clock, config.defaultRegion, 1);
  await vault.part.forget();
  const keys = await vault.neededKeys();
  await vault.close();
  const access = await Access.open(copyOf('access.sqlite'), config, clock);
  await access.part.forget();
  await access.forgetVaultEpoch();
  await access.close();
  return keys;
}

/** In the order in which they are copied, see `backUp`. */
function databasesOf(config: Config): string[] {
  const files = (...parts: Parameters<typeof sqlTarget>[1][]): string[] =>
    parts.map((part) => sqlTarget(config, part)).flatMap((at) => (at.kind === 'sqlite' ? [at.file] : []));
  return [...files('notary'), join(config.dataDir, 'ledger.sqlite'), ...files('vault', 'access', 'reports', 'witness')];
}

function target(folder: string, config: Config, file: string): string {
  const to = join(folder, file.slice(config.dataDir.length + 1));
  mkdirSync(dirname(to), { recursive: true, mode: 0o700 });
  return to;
}

async function readManifest(folder: string): Promise<BackupManifest> {
  let manifest: Partial<BackupManifest> | null;
  try {
    manifest = JSON.parse(await readFile(join(folder, MANIFEST), 'utf8')) as Partial<BackupManifest> | null;
  } catch {
    throw new BackupRefused(`${folder} holds no whole backup: there is no readable ${MANIFEST}`);
  }
  if (!isManifest(manifest))
    throw new BackupRefused(`${join(folder, MANIFEST)} is not the manifest of a backup that this release knows`);
  const outside = manifest.files.some(({ name }) => name.startsWith('/') || name.split(/[/\\]/).includes('..'));
  if (outside) throw new BackupRefused('the manifest names files outside the backup');
  return manifest;
}

function isManifest(given: Partial<BackupManifest> | null): given is BackupManifest {
  const isFile = (file: Partial<BackupManifest['files'][number]> | null): boolean =>
    typeof file?.name === 'string' && Number.isSafeInteger(file.size) && typeof file.sha256 === 'string';
  return (
    given?.backup === 'sijill' &&
    given.version === 1 &&
    Array.isArray(given.keys) &&
    given.keys.every((id) => typeof id === 'string') &&
    Array.isArray(given.files) &&
    given.files.every(isFile)
  );
}

/** Runs the copy on a thread and looks at how large its file has become. */
async function vacuumed(order: VacuumOrder, onBytes: (bytes: number) => void): Promise<void> {
  const timer = setInterval(() => onBytes(existsSync(order.to) ? statSync(order.to).size : 0), 200);
  try {
    await new Promise<void>((resolve, reject) => {
      const thread = new Worker(new URL('./vacuum-thread.js', import.meta.url), { workerData: order });
      thread.once('error', reject);
      thread.once('exit', (code) =>
        code === 0 ? resolve() : reject(new BackupRefused(`copying ${order.from} failed`)),
      );
    });
  } finally {
    clearInterval(timer);
  }
}

async function synced(file: string): Promise<void> {
  const handle = await open(file, 'r+');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function sha256Of(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

function filesBelow(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}
