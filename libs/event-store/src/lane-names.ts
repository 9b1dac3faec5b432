import { FOUNDING_LANE, KEYS_LANE, MAP_LANE, RECEIPT_KEYS_LANE } from '@sijill/transparency';

/** Every stream of the ledger begins so. */
export const LANE_PREFIX = 'ledger-';

/** Lanes that there is one of. */
export const LANES = {
  /** Which ledger this is: its founding, and what was lost of it and is on record. */
  ledger: FOUNDING_LANE,
  /** Of the command line; processes share it. */
  command: 'ledger-command',
  /** What the vault has decided, from its outbox. */
  vault: 'ledger-vault',
  /** What was changed about producers and keys, from the outbox of access. */
  access: 'ledger-access',
  /** What the map of subjects is. */
  subjects: MAP_LANE,
  /** What the log signs with. */
  logKeys: KEYS_LANE,
  /** What receipts are signed with. */
  receiptKeys: RECEIPT_KEYS_LANE,
} as const;

/** Of a partition of a topic, in one cluster: a topic of that name elsewhere is another. */
export function kafkaLane(cluster: string, topic: string, partition: number): string {
  return laneOf('kafka', cluster, topic, String(partition));
}

/** Of what one server takes in over HTTP. */
export function httpLane(node: string): string {
  return laneOf('http', node);
}

/** Of what one server writes by itself. */
export function nodeLane(node: string): string {
  return laneOf('node', node);
}

/**
 * Of a file that was imported in the name of a producer: in another's name it holds other events.
 *
 * @param sha256 of its content, in hex
 */
export function fileLane(sha256: string, producer: string): string {
  return laneOf('file', sha256.slice(0, 32), producer);
}

/**
 * No two lists of parts give one name: a part has no `/`.
 *
 * @throws RangeError a part is empty, has a `/` or white space
 */
function laneOf(...parts: readonly string[]): string {
  for (const part of parts)
    if (!/^[^/\s\p{Cc}]+$/u.test(part)) throw new RangeError(`${JSON.stringify(part)} cannot be part of a lane's name`);
  return LANE_PREFIX + parts.join('/');
}
