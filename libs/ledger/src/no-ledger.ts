import type { Config } from '@sijill/platform';

/** There is no ledger where the configuration says, and whoever asked only reads one: none is made. */
export class NoLedger extends Error {
  override readonly name = 'NoLedger';

  constructor({ dataDir, eventStore }: Pick<Config, 'dataDir' | 'eventStore'>) {
    super(
      eventStore.kind === 'embedded'
        ? `there is no ledger in ${dataDir}; set SIJILL_DATA_DIR to where yours lies. "sijill serve" makes a new one`
        : 'there is no ledger in the event store that SIJILL_EVENT_STORE names; set it to where yours is. "sijill serve" makes a new one',
    );
  }
}
