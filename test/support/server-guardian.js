/**
 * Stands between a test run and one server it started, so that the server never outlives the run.
 *
 * It is forked with an IPC channel. The channel breaks when the test process ends in any way at all, `kill -9`
 * included, and then this process stops the server and removes its data. It sits in a process group of its own, so
 * that Ctrl-C in a terminal reaches it only through that channel.
 *
 * Messages in:  {do: 'start', command, args, cwd, env, uid, gid, log} | {do: 'signal', signal} | {do: 'stop'}
 * Messages out: {event: 'started', pid} | {event: 'failed', message} | {event: 'exited', code, signal}
 *
 * Arguments: the signal that asks the server to stop, then the directories that go with it.
 */
import { spawn } from 'node:child_process';
import { closeSync, openSync, rmSync } from 'node:fs';

const PATIENCE_MS = 8_000;
const [stopSignal = 'SIGTERM', ...directories] = process.argv.slice(2);

/** The server's process while it runs. */
let server;
let ending = false;

function tell(message) {
  if (process.connected) process.send(message, () => {});
}

function start({ command, args, cwd, env, uid, gid, log }) {
  const output = openSync(log, 'a');
  const child = spawn(command, args, { cwd, env, uid, gid, stdio: ['ignore', output, output] });
  closeSync(output);
  server = child;
  child.once('spawn', () => tell({ event: 'started', pid: child.pid }));
  child.once('error', (error) => {
    if (server === child) server = undefined;
    tell({ event: 'failed', message: error.message });
  });
  child.once('exit', (code, signal) => {
    if (server === child) server = undefined;
    tell({ event: 'exited', code, signal });
    if (ending) leave();
  });
}

function leave() {
  for (const directory of directories) rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
  process.exit(0);
}

function end() {
  if (ending) return;
  ending = true;
  if (server === undefined) return leave();
  server.kill(stopSignal);
  setTimeout(() => server?.kill('SIGKILL'), PATIENCE_MS);
}

process.on('disconnect', end);
process.on('SIGTERM', end);
process.on('SIGINT', end);
process.on('message', (message) => {
  switch (message.do) {
    case 'start':
      return start(message);
    case 'signal':
      return server?.kill(message.signal);
    default:
      return end();
  }
});
