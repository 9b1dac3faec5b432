import type { Command } from 'commander';
import { collect, withTrust } from '../verification/trust-options.js';
import type { StoreOptions } from '../verification/compare-store.js';

export function addVerifyStore(verify: Command): void {
  withTrust(verify.command('store'))
    .summary('compare the whole store of this ledger with all that was signed over it')
    .option('--checkpoint <file>', 'a checkpoint kept elsewhere; can be given several times', collect, [])
    .option('--resume', 'go on where an earlier run was cut short; what that one compared is not covered')
    .addHelpText(
      'after',
      '\nThe store, and the log beside it, are those of the environment (SIJILL_DATA_DIR and others). No keyring is needed; where it is at hand, the codes over the entries are checked too.\n' +
        '\nExamples:\n  $ sijill verify store --key log.vkey\n  $ sijill verify store --key log.vkey --checkpoint kept-in-march --resume',
    )
    .action(async (options: StoreOptions) => {
      // Who checks a proof needs nothing of a ledger, and does not wait until it is loaded.
      const { compareStore } = await import('../verification/compare-store.js');
      await compareStore(options);
    });
}
