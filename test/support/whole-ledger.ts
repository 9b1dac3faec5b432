import { cpSync, existsSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { openLedger, type Ledger } from '@sijill/ledger';
import { createLogger, parseConfig } from '@sijill/platform';
import { RunningRoles } from '../../apps/server/src/running-roles.js';
import { disclosed } from './events.js';
import { eventually, freshDataDir } from './sijill.js';

/** Somebody who may send everything. */
const SPEAKER = { producer: 'tests', sources: [], realm: 'default', mayLink: true };

let people = 0;

/** A ledger with all its roles, in this process. */
export class WholeLedger {
  private constructor(
    readonly ledger: Ledger,
    private readonly roles: RunningRoles,
  ) {}

  /** @throws what opening a ledger throws */
  static async start(env: Record<string, string>): Promise<WholeLedger> {
    const config = parseConfig({ SIJILL_LOG_LEVEL: 'silent', ...env });
    const { roles } = config;
    const ledger = await openLedger(config, { logger: createLogger('silent'), ownLane: 'ledger-node/test', roles });
    const running = await RunningRoles.prepare(ledger);
    running.start();
    return new WholeLedger(ledger, running);
  }

  get health(): ReturnType<RunningRoles['health']> {
    return this.roles.health();
  }

  /** Takes in so many disclosures, each about somebody who was not known before. @returns the position of the last */
  async take(count: number): Promise<number> {
    const events = Array.from({ length: count }, () => disclosed(`+9665000${String(10_000 + (people += 1))}`));
    const speaker = SPEAKER as never;
    const { position, rejected } = await this.roles.httpIntake!.accept({
      ...{ events, bytes: 1, speaker, principal: 'p-test' },
    });
    if (rejected.length > 0) throw new Error(JSON.stringify(rejected));
    return position;
  }

  /** Waits until log and read models have all that is in the store. */
  async settled(): Promise<void> {
    await eventually(
      async () => {
        const head = await this.ledger.store.head();
        const { position } = await this.ledger.readModels.asOf();
        return [head, position, (await this.ledger.log.store.head()).position];
      },
      ([head, ...others]) => others.every((position) => position! >= head!),
    );
  }

  /** Waits until it takes events in again, without a start, and log and read models have them. */
  async goesOn(): Promise<void> {
    await eventually(
      async () => this.health.ledger,
      (failure) => failure === null,
    );
    // The HTTP lane may have stopped over what was wrong, and is taken up again.
    await eventually(
      () => this.take(3).catch(() => 0),
      (position) => position > 0,
    );
    await this.settled();
  }

  async stop(): Promise<void> {
    await this.roles.stop();
    await this.ledger.close();
  }
}

/** The files of an embedded ledger's parts, without those that SQLite keeps beside them. */
export const PART_FILES = {
  store: ['ledger.sqlite'],
  vault: ['vault/vault.sqlite'],
  database: ['access.sqlite', 'read-models.sqlite'],
  log: ['notary.sqlite', 'subject-map.sqlite'],
} as const;

export type PartName = keyof typeof PART_FILES;

/** A copy of a folder in which no ledger is open. */
export function copyOf(folder: string): string {
  const copy = freshDataDir('copy');
  cpSync(folder, copy, { recursive: true });
  return copy;
}

/** Puts a part of another folder in place of the one here; nothing where there is none. */
export function exchange(part: PartName, into: string, from: string | null): void {
  for (const file of PART_FILES[part].flatMap((name) => [name, `${name}-wal`, `${name}-shm`])) {
    rmSync(join(into, file), { force: true });
    const other = from === null ? null : join(from, file);
    if (other !== null && existsSync(other)) cpSync(other, join(into, dirname(file), file.split('/').at(-1)!));
  }
}
