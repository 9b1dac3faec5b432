import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { GuardedServer } from '../support/guarded-server.js';

const GUARDIAN = join(import.meta.dirname, '..', 'support', 'server-guardian.js');
// A "server" that runs until somebody ends it.
const FOREVER = { command: process.execPath, args: ['-e', 'console.log("up"); setInterval(() => {}, 1000)'] };

function temporary(): string {
  return mkdtempSync(join(tmpdir(), 'sijill-guarded-'));
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function until(condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 15_000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error('it did not come to pass within 15 s');
    await pause(50);
  }
}

describe('a guarded server', () => {
  it('goes, with its data, when the process that started it is killed', async () => {
    const directory = temporary();
    // A test process in small: it forks the guardian, tells the pid of the server, and waits to be killed.
    const program = `
      import { fork } from 'node:child_process';
      const [guardian, directory, command] = process.argv.slice(1);
      const child = fork(guardian, ['SIGTERM', directory], { execArgv: [], detached: true, stdio: 'ignore' });
      child.on('message', ({ pid }) => console.log(pid));
      child.send({ do: 'start', ...JSON.parse(command), log: directory + '/log' });`;
    const args = ['--input-type=module', '-e', program, GUARDIAN, directory, JSON.stringify(FOREVER)];
    const owner = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    const [line] = (await once(owner.stdout, 'data')) as [Buffer];
    const server = Number(line.toString());
    expect(isAlive(server)).toBe(true);
    owner.kill('SIGKILL');
    await until(() => !isAlive(server));
    await until(() => !existsSync(directory));
  });

  it('can be killed and started again with its data, and stopped for good', async () => {
    const directory = temporary();
    const guarded = new GuardedServer({ stopSignal: 'SIGTERM', directories: [directory] });
    await guarded.start({ ...FOREVER, log: join(directory, 'log') });
    await guarded.untilReady(async () => (await guarded.logTail()) === 'up', 10_000);
    await guarded.kill();
    await guarded.restart();
    await guarded.untilReady(async () => (await guarded.logTail()) === 'up\nup', 10_000);
    await guarded.stop();
    await guarded.stop();
    expect(existsSync(directory)).toBe(false);
  });

  it('tells what the server printed when it dies before it is ready', async () => {
    const directory = temporary();
    const guarded = new GuardedServer({ stopSignal: 'SIGTERM', directories: [directory] });
    const args = ['-e', 'console.error("no such configuration"); process.exit(7)'];
    await guarded.start({ command: process.execPath, args, log: join(directory, 'log') });
    await expect(guarded.untilReady(async () => false, 10_000)).rejects.toThrow(
      /exit code 7.*\n.*no such configuration/,
    );
    await guarded.stop();
  });

  it('says so when the command cannot be run', async () => {
    const directory = temporary();
    const guarded = new GuardedServer({ stopSignal: 'SIGTERM', directories: [directory] });
    const missing = { command: join(directory, 'missing'), args: [], log: join(directory, 'log') };
    await expect(guarded.start(missing)).rejects.toThrow(/ENOENT/);
    await guarded.stop();
    expect(existsSync(directory)).toBe(false);
  });
});
