import { existsSync } from 'node:fs';
import {
  LANE_PREFIX,
  StoreRefused,
  protectStreams,
  readStreamProtection,
  type StreamProtection,
} from '@sijill/event-store';
import { sqlTarget } from '@sijill/ledger';
import { LogStore } from '@sijill/notary';
import { DatabaseUnavailable, type Config } from '@sijill/platform';
import { WrongUse } from '../exit-codes.js';
import { fail, nameOf, no, ok, warn, type Finding } from './finding.js';

const CHECK = 'stream rights';
const PROTECT = 'run "sijill doctor --protect-streams" with SIJILL_EVENT_STORE_ADMIN set (see doctor --help)';
/** How many of a long list are named. */
const NAMED = 5;
const NAMED_RIGHTS = 10;

const RIGHTS: Record<string, string> = { $d: 'delete', $mw: 'hide entries of', $w: 'write to' };
const HIDING: Record<string, string> = {
  deletion: 'was deleted for good',
  $tb: 'hides its beginning or all of it ($tb)',
  $maxCount: 'keeps its last entries only ($maxCount)',
  $maxAge: 'keeps its newest entries only ($maxAge)',
};

/** Whether the event store keeps everybody from deleting, cutting and hiding what the ledger stores. It changes nothing. */
export async function checkStreamRights(config: Config): Promise<Finding[]> {
  const { eventStore } = config;
  if (eventStore.kind === 'embedded') return [];
  try {
    return findings(await readStreamProtection(eventStore.connectionString, await lanesOf(config)));
  } catch (error) {
    const cure =
      error instanceof StoreRefused
        ? `check the user in SIJILL_EVENT_STORE and let it read the log: ${PROTECT}`
        : 'check SIJILL_EVENT_STORE and that the server runs and is reachable';
    return [fail(CHECK, nameOf(error), cure)];
  }
}

/**
 * Sets the rights that `checkStreamRights` asks for.
 *
 * @returns what was changed, a line each
 * @throws WrongUse         there is nothing to set rights on, or no administrator's connection
 * @throws StoreUnavailable the server could not be reached
 */
export async function setStreamRights(config: Config): Promise<string[]> {
  const { eventStore, eventStoreAdmin } = config;
  if (eventStore.kind === 'embedded')
    throw new WrongUse('--protect-streams is for EventStoreDB; the embedded store refuses changes by itself');
  if (eventStoreAdmin === null)
    throw new WrongUse(
      "--protect-streams takes an administrator's connection string from SIJILL_EVENT_STORE_ADMIN or the file that " +
        'SIJILL_EVENT_STORE_ADMIN_FILE names; take it away again afterwards',
    );
  try {
    const changes = await protectStreams(eventStoreAdmin, eventStore.connectionString, await lanesOf(config));
    return changes.map(({ stream, change }) => `${stream}: ${change}`);
  } catch (error) {
    if (error instanceof StoreRefused)
      throw new WrongUse(`SIJILL_EVENT_STORE_ADMIN: ${error.message}`, { cause: error });
    throw error;
  }
}

/** The ledger's streams that its log has met; none where there is no log yet, or it cannot be read: that is found elsewhere. */
async function lanesOf(config: Config): Promise<string[]> {
  const target = sqlTarget(config, 'notary');
  if (target.kind === 'sqlite' && !existsSync(target.file)) return [];
  try {
    const log = await LogStore.open(target);
    const { known } = await log.lanes().finally(() => log.close());
    return [...known].map(([lane]) => lane).filter((lane) => lane.startsWith(LANE_PREFIX));
  } catch (error) {
    if (error instanceof DatabaseUnavailable) return [];
    throw error;
  }
}

function findings({ isEnforced, user, isAdmin, open, hidden, isComplete }: StreamProtection): Finding[] {
  const found: Finding[] = [];
  if (!isEnforced)
    found.push(
      warn(
        CHECK,
        'tls=false: the server knows no users and enforces no rights; whoever reaches it can delete streams',
        'run the server with TLS and users, and connect with esdb://USER:PASSWORD@HOST?tlsCAFile=…',
      ),
    );
  if (isAdmin)
    found.push(
      no(
        CHECK,
        `${user ?? 'the user of the connection'} is an administrator, whom no rights keep from deleting streams`,
        'make a user without groups for the ledger, and put it into SIJILL_EVENT_STORE',
      ),
    );
  if (isEnforced)
    for (const { stream, right, roles } of open.slice(0, NAMED_RIGHTS))
      found.push(no(CHECK, `${roles.join(', ')} may ${RIGHTS[right] ?? right} ${stream}`, PROTECT));
  if (isEnforced && open.length > NAMED_RIGHTS)
    found.push(no(CHECK, `and ${open.length - NAMED_RIGHTS} rights more of others`, PROTECT));
  for (const { stream, by } of hidden.slice(0, NAMED))
    found.push(
      no(CHECK, `${stream} ${HIDING[by] ?? by}`, 'find out who did it; an administrator can set its metadata right'),
    );
  if (hidden.length > NAMED)
    found.push(no(CHECK, `and ${hidden.length - NAMED} streams more are cut or deleted`, 'as above'));
  if (!isComplete)
    found.push(
      warn(
        CHECK,
        'the server did not say that its log was read to the end',
        'servers before 23.10 never say so; with later ones try again when the server is less busy',
      ),
    );
  if (found.length > 0) return found;
  return [
    ok(
      CHECK,
      "only the ledger's own user writes to its streams, and only administrators can delete them or hide entries; none is cut or deleted",
    ),
  ];
}
