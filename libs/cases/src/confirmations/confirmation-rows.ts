import type { Kysely, Selectable } from 'kysely';
import type { DualControlled } from '@sijill/platform';
import type { CaseTables } from '@sijill/vault';
import type { About, Answer, AnswerKind, Confirmation, ConfirmationStatus, Outcome } from './confirmation.js';

type Db = Kysely<CaseTables>;

/** A confirmation as it is kept: with its place in the order in which they were asked, and what was said, sealed. */
export interface KeptConfirmation extends Confirmation {
  readonly number: number;
  readonly sealed: string;
}

export async function insertConfirmation(db: Db, kept: KeptConfirmation): Promise<void> {
  await db
    .insertInto('vault_confirmation')
    .values({
      confirmation_id: kept.confirmationId,
      number: kept.number,
      what: kept.what,
      about: JSON.stringify(kept.about),
      sealed: kept.sealed,
      asked_by: kept.askedBy,
      asked_at: kept.askedAt,
      expires_at: kept.expiresAt,
      answer: null,
      answered_by: null,
      answered_at: null,
      outcome: null,
      fetched_at: null,
    })
    .execute();
}

/** Null: there is none of that id. */
export async function findConfirmation(db: Db, confirmationId: string): Promise<KeptConfirmation | null> {
  const row = await db
    .selectFrom('vault_confirmation')
    .selectAll()
    .where('confirmation_id', '=', confirmationId)
    .executeTakeFirst();
  return row === undefined ? null : fromRow(row);
}

/** The newest first. @param before a number of the order in which they were asked */
export async function listConfirmations(
  db: Db,
  page: { readonly status?: ConfirmationStatus; readonly limit: number; readonly before?: number },
  now: number,
): Promise<KeptConfirmation[]> {
  let query = db.selectFrom('vault_confirmation').selectAll().orderBy('number', 'desc').limit(page.limit);
  if (page.before !== undefined) query = query.where('number', '<', page.before);
  if (page.status === 'open') query = query.where('answer', 'is', null).where('expires_at', '>', now);
  if (page.status === 'expired') query = query.where('answer', 'is', null).where('expires_at', '<=', now);
  if (page.status === 'confirmed') query = query.where('answer', '=', 'given');
  if (page.status === 'declined') query = query.where('answer', '=', 'declined');
  return (await query.execute()).map(fromRow);
}

export async function writeAnswer(db: Db, confirmationId: string, { kind, by, at, outcome }: Answer): Promise<void> {
  await db
    .updateTable('vault_confirmation')
    .set({
      answer: kind,
      answered_by: by,
      answered_at: at,
      outcome: outcome === null ? null : JSON.stringify(outcome),
    })
    .where('confirmation_id', '=', confirmationId)
    .execute();
}

export async function writeFetched(db: Db, confirmationId: string, at: number): Promise<void> {
  await db
    .updateTable('vault_confirmation')
    .set({ fetched_at: at })
    .where('confirmation_id', '=', confirmationId)
    .execute();
}

function fromRow(row: Selectable<CaseTables['vault_confirmation']>): KeptConfirmation {
  return {
    confirmationId: row.confirmation_id,
    number: row.number,
    what: row.what as DualControlled,
    about: JSON.parse(row.about) as About,
    sealed: row.sealed,
    askedBy: row.asked_by,
    askedAt: row.asked_at,
    expiresAt: row.expires_at,
    answer:
      row.answer === null
        ? null
        : {
            kind: row.answer as AnswerKind,
            by: row.answered_by!,
            at: row.answered_at!,
            outcome: row.outcome === null ? null : (JSON.parse(row.outcome) as Outcome),
          },
    fetchedAt: row.fetched_at,
  };
}
