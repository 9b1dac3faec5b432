import { isAmong } from '@sijill/platform';
import { SealBroken } from '../seal.js';
import type { OnCommit } from '../secrets.js';
import type { VaultTables } from '../tables.js';
import type { VaultChange, VaultDb, VaultTransaction } from '../vault-sql.js';
import type { BlindIndex, DirectoryPorts } from './ports.js';
import { sealedContext } from './write-additions.js';

const IDENTIFIERS_AT_ONCE = 100;

/** An identifier whose value is known. */
type ClearIdentifier = BlindIndex & { readonly value: string };

/**
 * Makes ready what a change is about to read and write under the names of some identifiers, under the lock: what stands about them under an
 * older key is brought to the current one, and what leads to somebody without a key is taken away.
 */
export async function bringUp(
  ports: DirectoryPorts,
  { trx }: VaultChange,
  identifiers: readonly ClearIdentifier[],
): Promise<void> {
  await deleteLeftBehind(
    trx,
    identifiers.flatMap(({ index, older }) => [index, ...older]),
  );
  for (const { index, older, value } of identifiers)
    for (const name of older) await move(ports, trx, { from: name, to: index, value });
}

/**
 * Brings all that stands under older keys of the index to the current one, some hundred identifiers a commit; look-ups and intake go on
 * meanwhile. Cut short anywhere, it is gone on with by calling it again. Where nothing is left, nobody asks for the older names any more.
 *
 * A release stays as long as somebody has, or had, the identifier: of a person who was forgotten nobody knows the value, and so the
 * moments at which it was released go with the older key.
 *
 * @param onCommit told how many identifiers were brought over so far; whoever throws there cuts it short
 * @returns how many that were
 */
export async function reindex(ports: DirectoryPorts, onCommit: OnCommit = () => undefined): Promise<number> {
  let moved = 0;
  const keys = olderKeys((await ports.look()).index);
  if (keys.length === 0) return 0;
  for (const key of keys) {
    for (let after = `${key}.`; ;) {
      const names = await namesUnder(ports, key, after);
      if (names.length === 0) break;
      moved += await ports.change((change) => moveAll(ports, change, names));
      after = names.at(-1)!;
      await onCommit(moved);
    }
  }
  await ports.change((change) => forgetOlder(change));
  return moved;
}

/** How many identifiers are bound under older keys of the index. */
export async function indexedBefore({ sql: { reader } }: DirectoryPorts, index: string): Promise<number> {
  let all = 0;
  for (const key of olderKeys(index)) all += await boundUnder(reader, key);
  return all;
}

/** How many identifiers are bound under a key of the index. */
export async function boundUnder(db: VaultDb, key: string): Promise<number> {
  const { names } = await db
    .selectFrom('vault_binding')
    .select(({ fn }) => fn.count('blind_index').distinct().as('names'))
    .where('blind_index', '>', `${key}.`)
    .where('blind_index', '<', `${key}/`)
    .executeTakeFirstOrThrow();
  return Number(names);
}

function olderKeys(index: string): string[] {
  return index.split(',').slice(1);
}

async function namesUnder({ sql: { reader } }: DirectoryPorts, key: string, after: string): Promise<string[]> {
  const rows = await reader
    .selectFrom('vault_binding')
    .select('blind_index')
    .distinct()
    .where('blind_index', '>', after)
    .where('blind_index', '<', `${key}/`)
    .orderBy('blind_index')
    .limit(IDENTIFIERS_AT_ONCE)
    .execute();
  return rows.map((row) => row.blind_index);
}

async function moveAll(ports: DirectoryPorts, { trx, before }: VaultChange, names: readonly string[]): Promise<number> {
  await deleteLeftBehind(trx, names);
  const rows = await trx
    .selectFrom('vault_binding')
    .select(['blind_index', 'subject_id', 'scheme', 'realm', 'sealed'])
    .where(isAmong<VaultTables>(trx, 'blind_index', names))
    .execute();
  let moved = 0;
  for (const name of names) {
    for (const { subject_id, scheme, realm, sealed } of rows.filter((row) => row.blind_index === name)) {
      const value = await valueOf(ports, trx, { subjectId: subject_id, context: sealedContext(name), sealed });
      if (value === null) continue;
      const { index } = ports.blindIndex(before.index, scheme, realm === '' ? null : realm, value);
      await move(ports, trx, { from: name, to: index, value });
      moved += 1;
      break;
    }
  }
  return moved;
}

/** Null where it was changed: it stays under its older name, and whoever names it finds it there. */
async function valueOf(
  ports: DirectoryPorts,
  trx: VaultTransaction,
  text: { readonly subjectId: string; readonly context: string; readonly sealed: string },
): Promise<string | null> {
  try {
    return (await ports.openFor(trx, [text]))[0]!;
  } catch (error) {
    if (error instanceof SealBroken) return null;
    throw error;
  }
}

/** All that stands about an identifier, at once: at no commit is a part of it under another name. */
async function move(
  ports: DirectoryPorts,
  trx: VaultTransaction,
  { from, to, value }: { readonly from: string; readonly to: string; readonly value: string },
): Promise<void> {
  const rows = await trx
    .selectFrom('vault_binding')
    .select(['since', 'subject_id'])
    .where('blind_index', '=', from)
    .execute();
  const sealed = await ports.sealFor(
    trx,
    rows.map(({ subject_id }) => ({ subjectId: subject_id, context: sealedContext(to), text: value })),
  );
  for (const [i, { since }] of rows.entries())
    await trx
      .updateTable('vault_binding')
      .set({ blind_index: to, sealed: sealed[i]! })
      .where('blind_index', '=', from)
      .where('since', '=', since)
      .execute();
  for (const table of ['vault_cut', 'vault_use'] as const)
    await trx.updateTable(table).set({ blind_index: to }).where('blind_index', '=', from).execute();
}

/** What leads to somebody whose key was destroyed, where it was not the database that took it away with the key. */
async function deleteLeftBehind(trx: VaultTransaction, names: readonly string[]): Promise<void> {
  await trx
    .deleteFrom('vault_binding')
    .where(isAmong<VaultTables>(trx, 'blind_index', names))
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom('vault_key')
            .select('vault_key.holder')
            .whereRef('vault_key.subject_id', '=', 'vault_binding.subject_id'),
        ),
      ),
    )
    .execute();
}

/** Asks for older names no more, as soon as nothing is bound under them. */
async function forgetOlder({ trx, before, bringTo }: VaultChange): Promise<void> {
  const [current, ...older] = before.index.split(',');
  const needed: string[] = [];
  for (const key of older) {
    if ((await boundUnder(trx, key)) > 0) {
      needed.push(key);
      continue;
    }
    for (const table of ['vault_cut', 'vault_use'] as const)
      await trx.deleteFrom(table).where('blind_index', '>', `${key}.`).where('blind_index', '<', `${key}/`).execute();
  }
  if (needed.length < older.length) bringTo({ index: [current, ...needed].join(',') });
}
