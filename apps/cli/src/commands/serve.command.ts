import type { Command } from 'commander';

/** The server is a program of its own; this command runs it in this process. */
export function addServe(program: Command): void {
  program
    .command('serve')
    .summary('run the server')
    .description(
      'Runs the roles in SIJILL_ROLES until it is told to stop (Ctrl-C). A store or a database that is away is waited for; /health/ready ' +
        'says for which. Once it is ready it writes server.json into the data directory.',
    )
    .addHelpText(
      'after',
      '\nExamples:\n  $ sijill serve\n  $ SIJILL_DATA_DIR=/var/lib/sijill SIJILL_HTTP_PORT=0 sijill serve',
    )
    .action(async () => {
      await import(new URL('../../../server/src/main.js', import.meta.url).href);
      // The server ends the process itself.
      await new Promise(() => undefined);
    });
}
