import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chown, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePorts } from '../free-port.js';
import { GuardedServer } from '../guarded-server.js';
import { ServerNotFound } from '../server-not-found.js';
import { answers, createDatabase } from './databases.js';
import { type PostgresBinaries, postgresBinaries, runnableByOthers } from './postgres-binaries.js';
import type { PostgresOptions, PostgresServer } from './postgres-server.js';

const run = promisify(execFile);
const READY_LIMIT_MS = 60_000;
const USER = 'sijill_tests';

/** A user to run as; empty for "as we are". */
interface RunAs {
  readonly uid?: number;
  readonly gid?: number;
}

/**
 * Starts PostgreSQL from the npm package's binaries: a free loopback port, its data in a temporary directory.
 *
 * @throws ServerNotFound when there are no binaries for this platform
 */
export async function startEmbeddedPostgres({ durable = false }: PostgresOptions = {}): Promise<PostgresServer> {
  const shipped = await postgresBinaries();
  const as = await unprivileged();
  const directory = await mkdtemp(join(tmpdir(), 'sijill-postgres-'));
  // SIGINT is PostgreSQL's "fast" shutdown: it does not wait for clients to leave.
  const server = new GuardedServer({ stopSignal: 'SIGINT', directories: [directory] });
  try {
    const binaries = as.uid === undefined ? shipped : await runnableByOthers(shipped, directory);
    const data = join(directory, 'data');
    const password = randomBytes(12).toString('hex');
    await initialise(binaries, directory, data, password, as);
    const [port = 0] = await freePorts(1);
    const settings = durable ? SETTINGS : [...SETTINGS, ...FORGETFUL];
    const args = ['-D', data, '-p', String(port), ...settings.flatMap((setting) => ['-c', setting])];
    await server.start({
      command: binaries.postgres,
      args,
      ...as,
      cwd: directory,
      log: join(directory, 'postgres.log'),
    });
    const url = `postgresql://${USER}:${password}@127.0.0.1:${port}/postgres`;
    await server.untilReady(() => answers(url), READY_LIMIT_MS);
    return {
      url,
      source: 'embedded',
      createDatabase: (name) => createDatabase(url, name),
      stop: () => server.stop(),
    };
  } catch (error) {
    await server.stop();
    throw error;
  }
}

// Nothing of a test outlives the run, so nothing has to survive a power cut.
const FORGETFUL = ['fsync=off', 'full_page_writes=off'];

const SETTINGS = [
  'listen_addresses=127.0.0.1',
  'unix_socket_directories=',
  'shared_buffers=32MB',
  'max_connections=200',
  'log_min_messages=warning',
];

async function initialise(
  { initdb }: PostgresBinaries,
  directory: string,
  data: string,
  password: string,
  as: RunAs,
): Promise<void> {
  const passwordFile = join(directory, 'password');
  await writeFile(passwordFile, `${password}\n`, { mode: 0o600 });
  if (as.uid !== undefined && as.gid !== undefined) {
    await chown(directory, as.uid, as.gid);
    await chown(passwordFile, as.uid, as.gid);
  }
  // PostgreSQL's own C.UTF-8, so that it does not matter which locales the machine has.
  const locale = ['--encoding=UTF8', '--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8'];
  const flags = ['--auth=scram-sha-256', `--username=${USER}`, `--pwfile=${passwordFile}`, '--no-sync', ...locale];
  await run(initdb, [`--pgdata=${data}`, ...flags], { cwd: directory, ...as });
}

/** PostgreSQL refuses to run as root: then it runs as a user the machine already has. */
async function unprivileged(): Promise<RunAs> {
  if (process.getuid?.() !== 0) return {};
  for (const user of ['postgres', 'nobody']) {
    const id = async (flag: string): Promise<number> => Number((await run('id', [flag, user])).stdout);
    try {
      return { uid: await id('-u'), gid: await id('-g') };
    } catch {
      continue;
    }
  }
  throw new ServerNotFound('PostgreSQL', ['root has no other user to run it as']);
}
