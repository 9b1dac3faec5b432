import 'reflect-metadata';
import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { addBackup, addRestore } from './commands/backup.command.js';
import { addDemo } from './commands/demo.command.js';
import { addDoctor } from './commands/doctor.command.js';
import { addHistory } from './commands/history.command.js';
import { addImport } from './commands/import.command.js';
import { addKeys } from './commands/keys.command.js';
import { addLogKey } from './commands/log-key.command.js';
import { addMonitor } from './commands/monitor.command.js';
import { addProducers } from './commands/producers.command.js';
import { addRebuild } from './commands/rebuild.command.js';
import { addReport } from './commands/report.command.js';
import { addServe } from './commands/serve.command.js';
import { addVerify } from './commands/verify.command.js';
import { EXIT, exitOf } from './exit-codes.js';

const { version } = JSON.parse(readFileSync(new URL('../../../../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

// What a command writes may name people: nobody else on the machine reads it.
process.umask(0o077);

// Whoever reads the answer may stop early (`sijill history … | head`); there is nobody left to tell then.
process.stdout.on('error', (error: NodeJS.ErrnoException) =>
  process.exit(error.code === 'EPIPE' ? EXIT.done : EXIT.unreachable),
);

const program = new Command('sijill')
  .description('A privacy audit ledger: who got whose data, when, why, under which clause.')
  .version(version)
  .exitOverride()
  .showHelpAfterError('(add --help for the options and examples)')
  .configureHelp({ showGlobalOptions: true })
  .addHelpText(
    'after',
    '\nThe configuration comes from the environment: SIJILL_DATA_DIR, SIJILL_HTTP_PORT and others; "sijill doctor --print-config" shows all.\n' +
      'Exit codes: 0 done, 1 the answer is "no", 2 wrong use or configuration, 3 cannot reach or read something.\n' +
      '\nExamples:\n  $ sijill demo\n  $ sijill serve\n  $ sijill keys create --role officer --name privacy-desk',
  );
for (const add of [
  addServe,
  addKeys,
  addProducers,
  addLogKey,
  addImport,
  addHistory,
  addReport,
  addVerify,
  addMonitor,
  addRebuild,
  addBackup,
  addRestore,
  addDoctor,
  addDemo,
])
  add(program);
inheritExitOverride(program);

try {
  await program.parseAsync(process.argv);
} catch (error) {
  if (error instanceof CommanderError) process.exit(error.exitCode === 0 ? EXIT.done : EXIT.wrongUse);
  const { code, line } = exitOf(error);
  process.stderr.write(`sijill: ${line}\n`);
  process.exit(code);
}

/** Commander ends the process with 1 for wrong use unless every command is told otherwise. */
function inheritExitOverride(command: Command): void {
  for (const child of command.commands) {
    child.exitOverride();
    inheritExitOverride(child);
  }
}
