import type { Command } from 'commander';
import { inForce, type LogKey } from '@sijill/notary';
import { formatVerifierKey } from '@sijill/transparency';
import { WrongUse } from '../exit-codes.js';
import { printAnswer, table } from '../terminal/print.js';
import { withLedger } from '../with-ledger.js';

export function addLogKey(program: Command): void {
  const logKey = program
    .command('log-key')
    .summary('list and change the keys that the log signs with')
    .description(
      'The keys that checkpoints are signed with. A change is announced in the log itself, so that whoever trusts the key from before can ' +
        'follow it. First a new key is introduced, and both sign; the old one is retired once everybody has taken up the new one, the ' +
        'witnesses among them.',
    )
    .addHelpText(
      'after',
      '\nExamples:\n  $ sijill log-key introduce\n  $ sijill log-key list\n  $ sijill log-key retire 1',
    );

  logKey
    .command('list')
    .summary('list all keys that the log has had')
    .option('--json', 'one JSON document')
    .addHelpText('after', '\nExample:\n  $ sijill log-key list')
    .action(async (options: { json?: boolean }) => {
      const { keys, signing } = await withLedger(async ({ log }) => {
        const keys = await log.keys.all();
        const position = (await log.store.checkpoint())?.position ?? 0;
        return { keys, signing: new Set(inForce(keys, position).map(({ generation }) => generation)) };
      });
      const rows = keys.map((key) => ({ ...factsOf(key), signs: signing.has(key.generation) }));
      printAnswer(options.json === true, { keys: rows }, () =>
        table(
          ['generation', 'key', 'introduced', 'retired', 'signs'],
          rows.map(({ generation, key, introducedAt, retiredAt, signs }) => [
            String(generation),
            key,
            introducedAt,
            retiredAt ?? '',
            signs ? 'yes' : 'no',
          ]),
        ),
      );
    });

  logKey
    .command('introduce')
    .summary('announce the next key, which signs beside the one from before')
    .description(
      'Announces the next key. Where the keys are in files (SIJILL_LOG_SIGNER) it is made, in a file of its own, so run this where the ' +
        'notary runs; a program or a server that signs has to have it already, and is asked for it. Checkpoints that cover the ' +
        'announcement are signed with both keys.',
    )
    .option('--json', 'one JSON document')
    .addHelpText('after', '\nExample:\n  $ sijill log-key introduce')
    .action(async (options: { json?: boolean }) => {
      const key = await withLedger(({ log }) => log.keys.introduce());
      printAnswer(
        options.json === true,
        factsOf(key),
        () =>
          `${formatVerifierKey(key.key)}\n\nThe key of generation ${key.generation} is announced, and signs from the next checkpoint on. Give it to the ` +
          'witnesses and to whoever verifies, beside the one from before, and retire that one then. Keep a backup of it apart from the ledger.',
      );
    });

  logKey
    .command('retire')
    .summary('announce that a key signs no more')
    .argument('<generation>', 'which key, as list shows it')
    .description('Announces that a key is used no more. What it has signed before stays valid.')
    .option('--json', 'one JSON document')
    .addHelpText('after', '\nExample:\n  $ sijill log-key retire 1')
    .action(async (text: string, options: { json?: boolean }) => {
      if (!/^[1-9]\d{0,8}$/.test(text))
        throw new WrongUse('retire takes the generation of a key, a number from 1; see: sijill log-key list');
      const key = await withLedger(({ log }) => log.keys.retire(Number(text)));
      printAnswer(
        options.json === true,
        factsOf(key),
        () =>
          `The key of generation ${key.generation} is retired: checkpoints from the next one on are signed without it.`,
      );
    });
}

function factsOf({ generation, key, introduced, retired }: LogKey): {
  generation: number;
  key: string;
  introducedAt: string;
  retiredAt: string | null;
} {
  return {
    generation,
    key: formatVerifierKey(key),
    introducedAt: introduced.announcedAt,
    retiredAt: retired?.announcedAt ?? null,
  };
}
