import { execFileSync, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { parseConfig, unknownVariables } from '@sijill/platform';

const ROOT = join(import.meta.dirname, '..', '..');

interface Instruction {
  readonly name: string;
  readonly text: string;
}

/** The instructions of a Dockerfile, continued lines joined, comments dropped. */
function instructions(dockerfile: string): Instruction[] {
  return dockerfile
    .split('\n')
    .filter((line) => line.trim() !== '' && !line.trimStart().startsWith('#'))
    .join('\n')
    .replaceAll(/\\\n\s*/g, '')
    .split('\n')
    .map((line) => {
      const [name = '', ...rest] = line.split(' ');
      return { name, text: rest.join(' ') };
    });
}

const all = instructions(readFileSync(join(ROOT, 'deploy', 'Dockerfile'), 'utf8'));
const lastStage = all.slice(all.findLastIndex(({ name }) => name === 'FROM'));
const texts = (from: readonly Instruction[], wanted: string): string[] =>
  from.filter(({ name }) => name === wanted).map(({ text }) => text);

/** `A=1 B=2` as an object. */
function environment(): Record<string, string> {
  const pairs = texts(lastStage, 'ENV').flatMap((text) => text.trim().split(/\s+/));
  return Object.fromEntries(pairs.map((pair) => pair.split('=', 2) as [string, string]));
}

describe('deploy/Dockerfile', () => {
  it('builds in one stage and runs in another', () => {
    expect(texts(all, 'FROM')).toEqual(['node:20-bookworm-slim AS build', 'node:20-bookworm-slim AS server']);
    expect(texts(all, 'RUN')).toContain('npm ci');
    expect(texts(lastStage, 'RUN').join('\n')).not.toMatch(/apt-get|npm/);
  });

  it('runs as a user that is not root', () => {
    expect(texts(lastStage, 'USER')).toEqual(['node']);
    const afterUser = lastStage.slice(lastStage.findIndex(({ name }) => name === 'USER') + 1);
    expect(texts(afterUser, 'RUN')).toEqual([]);
  });

  it('serves, with its data in a volume', () => {
    expect(texts(lastStage, 'CMD')).toEqual(['["node", "apps/cli/bin/sijill.js", "serve"]']);
    expect(texts(lastStage, 'VOLUME')).toEqual(['["/var/lib/sijill"]']);
    expect(environment()['SIJILL_DATA_DIR']).toBe('/var/lib/sijill');
  });

  it('runs in production mode, where it may be reached from outside of its container', () => {
    const { mode, http } = parseConfig(environment());
    expect({ mode, host: http.host }).toEqual({ mode: 'production', host: '0.0.0.0' });
  });

  it('holds no secret, and sets no variable that the configuration does not know', () => {
    expect(Object.keys(environment()).filter((name) => /PASSWORD|SECRET|KEY|TOKEN/.test(name))).toEqual([]);
    expect(texts(all, 'ARG')).toEqual([]);
    expect(unknownVariables(environment())).toEqual([]);
  });

  it('copies what is in the repository', () => {
    const sources = texts(all, 'COPY')
      .filter((text) => !text.startsWith('--from='))
      .flatMap((text) => text.split(' ').slice(0, -1));
    expect(sources.length).toBeGreaterThan(3);
    for (const source of sources) {
      expect({ source, exists: existsSync(join(ROOT, source)) }).toEqual({ source, exists: true });
      // An ignored file is on this machine only.
      expect(() => execFileSync('git', ['check-ignore', '--quiet', source], { cwd: ROOT })).toThrow();
    }
  });
});

describe('deploy/healthcheck.js', () => {
  /** Its exit code, asked of a server that answers with this status. */
  async function check(status: number | null): Promise<number | null> {
    const asked: (string | undefined)[] = [];
    const server = createServer((request, response) => {
      asked.push(request.url);
      response.writeHead(status ?? 500).end();
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const port = String((server.address() as AddressInfo).port);
    if (status === null) server.close();
    try {
      const env = { ...process.env, SIJILL_HTTP_PORT: port };
      const child = spawn(process.execPath, [join(ROOT, 'deploy', 'healthcheck.js')], { env, stdio: 'ignore' });
      const [code] = (await once(child, 'exit')) as [number | null];
      if (status !== null) expect(asked).toEqual(['/health/live']);
      return code;
    } finally {
      server.close();
    }
  }

  it.each([
    ['is well', 200, 0],
    ['is not ready', 503, 1],
    ['does not answer', null, 1],
  ])('of a server that %s', async (_, status, code) => {
    expect(await check(status)).toBe(code);
  });
});
