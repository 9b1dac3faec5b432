import 'reflect-metadata';
import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { EXIT } from './exit-codes.js';

const { version } = JSON.parse(readFileSync(new URL('../../../../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

// What a command writes may name people: nobody else on the machine reads it.
process.umask(0o077);

// Whoever reads the answer may stop early (`sijill history … | head`); there is nobody left to tell then.
process.stdout.on('error', (error: NodeJS.ErrnoException) =>
  process.exit(error.code === 'EPIPE' ? EXIT.done : EXIT.unreachable),
);

type Add = (program: Command) => void;

// What a command needs is loaded when it is called: all of it takes a second and a half.
const COMMANDS: Readonly<Record<string, () => Promise<Add>>> = {
  serve: async () => (await import('./commands/serve.command.js')).addServe,
  keys: async () => (await import('./commands/keys.command.js')).addKeys,
  producers: async () => (await import('./commands/producers.command.js')).addProducers,
  'log-key': async () => (await import('./commands/log-key.command.js')).addLogKey,
  import: async () => (await import('./commands/import.command.js')).addImport,
  history: async () => (await import('./commands/history.command.js')).addHistory,
  confirmations: async () => (await import('./commands/confirmations.command.js')).addConfirmations,
  report: async () => (await import('./commands/report.command.js')).addReport,
  verify: async () => (await import('./commands/verify.command.js')).addVerify,
  monitor: async () => (await import('./commands/monitor.command.js')).addMonitor,
  rebuild: async () => (await import('./commands/rebuild.command.js')).addRebuild,
  backup: async () => (await import('./commands/backup.command.js')).addBackup,
  restore: async () => (await import('./commands/backup.command.js')).addRestore,
  ledger: async () => (await import('./commands/ledger.command.js')).addLedger,
  doctor: async () => (await import('./commands/doctor.command.js')).addDoctor,
  demo: async () => (await import('./commands/demo.command.js')).addDemo,
};

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
await addCommands();
inheritExitOverride(program);

try {
  await program.parseAsync(process.argv);
} catch (error) {
  if (error instanceof CommanderError) process.exit(error.exitCode === 0 ? EXIT.done : EXIT.wrongUse);
  const { exitOf } = await import('./exit-of.js');
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

/** Adds the command that was called, or all of them for whoever asks which there are. */
async function addCommands(): Promise<void> {
  const [called = ''] = process.argv.slice(2);
  if (called === '--version' || called === '-V') return;
  const wanted = Object.hasOwn(COMMANDS, called) ? [COMMANDS[called]!] : Object.values(COMMANDS);
  for (const add of wanted) (await add())(program);
}
