import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Access, type KeyWanted, type ProducerTerms } from '@sijill/access';
import { sqlTarget } from '@sijill/ledger';
import { clockOf, parseConfig } from '@sijill/platform';

const LAUNCHER = fileURLToPath(new URL('../../apps/cli/bin/sijill.js', import.meta.url));

/** A fresh data directory under the system's temporary folder. */
export function freshDataDir(name = 'data'): string {
  return mkdtempSync(join(tmpdir(), `sijill-${name}-`));
}

export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Variables of the machine that a test must not inherit, so that its own say is the only one. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !name.startsWith('SIJILL_') && name !== 'NODE_OPTIONS'),
  );
}

/** Runs one `sijill` command to its end, as a user would. */
export async function sijill(args: readonly string[], env: Record<string, string>): Promise<CommandResult> {
  const child = spawn(process.execPath, [LAUNCHER, ...args], {
    env: { ...cleanEnvironment(), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const code = await new Promise<number>((resolve) => child.once('close', (exit) => resolve(exit ?? -1)));
  return { code, stdout, stderr };
}

/** Runs a command with --json and parses what it prints. */
export async function sijillJson<T>(args: readonly string[], env: Record<string, string>): Promise<T> {
  const { code, stdout, stderr } = await sijill([...args, '--json'], env);
  if (stdout === '') throw new Error(`sijill ${args.join(' ')} printed nothing (exit code ${code}): ${stderr}`);
  return JSON.parse(stdout) as T;
}

export interface TestServer {
  readonly url: string;
  readonly pid: number;
  readonly dataDir: string;
  readonly env: Record<string, string>;
  /** All that the server logged so far. */
  log(): string;
  /** Makes a key with these roles. */
  key(...roles: string[]): Promise<string>;
  /** Registers a producer, and makes a key of it. */
  producer(name: string, terms?: ProducerTerms): Promise<string>;
  kill(signal?: NodeJS.Signals): Promise<number | null>;
}

const PATIENCE_MS = 60_000;
const TESTER = { name: 'tests', principal: 'command-line' };

/** Beside a running server, as the commands work, and without the second that each of them takes to start. */
async function withAccess<T>(env: Record<string, string>, work: (access: Access) => Promise<T>): Promise<T> {
  const config = parseConfig(env);
  const access = await Access.open(sqlTarget(config, 'access'), config, clockOf(config));
  try {
    return await work(access);
  } finally {
    await access.close();
  }
}

async function keyOf(env: Record<string, string>, wanted: KeyWanted): Promise<string> {
  return (await withAccess(env, ({ keys }) => keys.create(wanted, TESTER))).key;
}

/** A `sijill serve` that may not be ready, nor ever become so. */
export interface LaunchedServer {
  readonly pid: number;
  readonly dataDir: string;
  readonly env: Record<string, string>;
  /** All that it logged so far. */
  log(): string;
  /** Its exit code, once it has ended; null when a signal has ended it. */
  readonly exited: Promise<number | null>;
  /** What its announcement says of its address; null while there is none. @throws when it has ended */
  announced(): string | null;
  kill(signal?: NodeJS.Signals): Promise<number | null>;
}

/** Starts `sijill serve`, on a free port unless told which, and waits for nothing. */
export function launchServer(env: Record<string, string> = {}): LaunchedServer {
  const dataDir = env['SIJILL_DATA_DIR'] ?? freshDataDir();
  const full = { SIJILL_DATA_DIR: dataDir, SIJILL_HTTP_PORT: '0', SIJILL_LOG_LEVEL: 'info', ...env };
  const child: ChildProcess = spawn(process.execPath, [LAUNCHER, 'serve'], {
    env: { ...cleanEnvironment(), ...full },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  child.stdout?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const exited = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
  // A test run that is cut short must not leave the server behind.
  const end = (): void => void child.kill('SIGKILL');
  process.once('exit', end);
  void exited.then(() => process.off('exit', end));
  // A test that fails before it stops its server must not keep the run from ending.
  child.unref();
  for (const stream of [child.stdout, child.stderr]) (stream as Socket).unref();
  const file = join(dataDir, 'server.json');
  return {
    pid: child.pid!,
    dataDir,
    env: full,
    log: () => output,
    exited,
    announced: () => {
      if (child.exitCode !== null) throw new Error(`the server ended with ${child.exitCode}:\n${output}`);
      if (!existsSync(file)) return null;
      const { url, pid } = JSON.parse(readFileSync(file, 'utf8')) as { url: string; pid: number };
      return pid === child.pid ? url : null;
    },
    kill: (signal = 'SIGTERM') => {
      child.ref();
      child.kill(signal);
      return exited;
    },
  };
}

/** Starts `sijill serve` on a free port and waits until it announces itself. */
export async function startServer(env: Record<string, string> = {}): Promise<TestServer> {
  return readyServer(launchServer(env));
}

/** The same server, once it announces itself. */
export async function readyServer(launched: LaunchedServer): Promise<TestServer> {
  const until = Date.now() + PATIENCE_MS;
  for (let url = launched.announced(); ; url = launched.announced()) {
    if (url !== null) {
      const { pid, dataDir, env, log, kill } = launched;
      return {
        url,
        pid,
        dataDir,
        env,
        log,
        kill,
        key: (...roles) => keyOf(env, { name: roles.join('-'), roles }),
        producer: async (name, terms = {}) => {
          await withAccess(env, ({ producers }) => producers.add(name, terms, TESTER));
          return keyOf(env, { name, roles: ['producer'], producer: name });
        },
      };
    }
    if (Date.now() > until) {
      void launched.kill('SIGKILL');
      throw new Error(`the server was not ready in time:\n${launched.log()}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

export interface HttpAnswer<T = Record<string, unknown>> {
  readonly status: number;
  readonly headers: Headers;
  readonly body: T;
}

/** One request with a key; the body is sent as it is when it is text or bytes, else as JSON. */
export async function request<T = Record<string, unknown>>(
  url: string,
  options: { key?: string; method?: string; body?: unknown; type?: string; reason?: string } = {},
): Promise<HttpAnswer<T>> {
  const { key, body, type, reason, method = body === undefined ? 'GET' : 'POST' } = options;
  const raw =
    typeof body === 'string' || body instanceof Uint8Array || body === undefined ? body : JSON.stringify(body);
  const response = await fetch(url, {
    method,
    headers: {
      ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
      ...(body === undefined ? {} : { 'content-type': type ?? 'application/json' }),
      ...(reason === undefined ? {} : { 'sijill-reason': reason }),
    },
    ...(raw === undefined ? {} : { body: raw as string | Uint8Array<ArrayBuffer> }),
  });
  const text = await response.text();
  const json = response.headers.get('content-type')?.includes('json') ?? false;
  return { status: response.status, headers: response.headers, body: (json ? JSON.parse(text) : text) as T };
}

/** The key that a log is signed with, once its notary has announced it. */
export async function logKeyOf({ url }: Pick<TestServer, 'url'>): Promise<string> {
  const { body } = await eventually(
    () => request<string>(`${url}/log/vkey`),
    ({ status }) => status === 200,
  );
  return body;
}

/** Asks again until the answer satisfies, for at most so long. */
export async function eventually<T>(
  ask: () => Promise<T>,
  satisfied: (answer: T) => boolean,
  patienceMs = 30_000,
): Promise<T> {
  const until = Date.now() + patienceMs;
  for (;;) {
    const answer = await ask();
    if (satisfied(answer)) return answer;
    if (Date.now() > until)
      throw new Error(`still not so after ${patienceMs} ms: ${JSON.stringify(answer).slice(0, 2000)}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
