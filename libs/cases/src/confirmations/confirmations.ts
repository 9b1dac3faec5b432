import { randomUUID } from 'node:crypto';
import { ApiKeys, COMMAND_LINE, LedgerSeals, type Reader } from '@sijill/access';
import { ledgerEntry, type JsonObject } from '@sijill/event-store';
import { newEntryId, type Clock, type Config, type DualControlled } from '@sijill/platform';
import { canonicalJson } from '@sijill/transparency';
import { seal, unseal, type Vault } from '@sijill/vault';
import {
  assertAnswerable,
  assertFetchable,
  ConfirmationRefused,
  OPEN_MS,
  type About,
  type AnswerKind,
  type Confirmation,
  type ConfirmationStatus,
  type Outcome,
} from './confirmation.js';
import {
  findConfirmation,
  insertConfirmation,
  listConfirmations,
  writeAnswer,
  writeFetched,
  type KeptConfirmation,
} from './confirmation-rows.js';
import { confirmationView, type ConfirmationView } from './confirmation-view.js';
import type { Consequences } from './when-confirmed.js';

export const CONFIRMATION_ASKED = 'sijill.confirmation.asked.v1';
export const CONFIRMATION_GIVEN = 'sijill.confirmation.given.v1';
export const CONFIRMATION_DECLINED = 'sijill.confirmation.declined.v1';

/** What somebody asks for that needs a second person. */
export interface Wanted {
  readonly what: DualControlled;
  readonly about: About;
  readonly reason: string;
  readonly reader: Reader;
}

/** Who may be asked for, as confirmations have to know it. */
type Keys = Pick<ApiKeys, 'isHeldFor'>;

/**
 * The queue of what one principal asks for and another confirms.
 *
 * It lies in the vault: an answer, what follows from it there, and the entries that tell of both are one commit under the vault's one
 * lock. So of two servers that are given two answers at once one is first and the other hears that, and a process that dies at any
 * step has done all of it or nothing. Nothing has to run for one to expire: its age is looked at when somebody wants something of it.
 */
export class Confirmations {
  private readonly seals: LedgerSeals;

  constructor(
    private readonly vault: Pick<Vault, 'secrets' | 'cases' | 'changeCases'>,
    private readonly keys: Keys,
    private readonly consequences: Consequences,
    private readonly clock: Clock,
    private readonly config: Pick<Config, 'mode'>,
  ) {
    this.seals = new LedgerSeals(vault, clock);
  }

  /** Asks; what is asked for waits for somebody else. Durable when it returns. */
  async ask({ what, about, reason, reader }: Wanted): Promise<Confirmation> {
    this.consequenceOf(what);
    const { principal, name } = reader;
    const confirmationId = randomUUID();
    const id = newEntryId();
    // Whom it is about stands open only where it is one: no entry gives away two people as one case.
    const [subjectId, ...others] = about.subjectIds;
    const isOfOne = subjectId !== undefined && others.length === 0;
    const { open, kept } = await this.seals.for(id, {
      staff: { actor: name },
      case: {
        caseId: confirmationId,
        said: { reason, subjectIds: isOfOne || subjectId === undefined ? null : about.subjectIds },
      },
    });
    const sealed = seal(
      await this.vault.secrets.ofCase(confirmationId),
      `${confirmationId}/asked`,
      canonicalJson({ reason }),
    );
    return this.vault.changeCases(async ({ db, tell }) => {
      const now = this.clock.now();
      const data: JsonObject = {
        confirmation: confirmationId,
        what,
        expiresAt: new Date(now + OPEN_MS).toISOString(),
        ...(isOfOne ? { subjectId } : {}),
        ...(about.entryId === undefined ? {} : { about: { entryId: about.entryId } }),
        ...open,
      };
      const number = await tell(ledgerEntry(CONFIRMATION_ASKED, now, data, { id, principal, ...kept }));
      const asked: KeptConfirmation = {
        ...{ confirmationId, number, what, about, sealed },
        ...{ askedBy: principal, askedAt: now, expiresAt: now + OPEN_MS, answer: null, fetchedAt: null },
      };
      await insertConfirmation(db, asked);
      return asked;
    });
  }

  /** @throws ConfirmationRefused `unknown` */
  async known(confirmationId: string): Promise<KeptConfirmation> {
    const found = await findConfirmation(this.vault.cases, confirmationId);
    if (found === null) throw new ConfirmationRefused('unknown');
    return found;
  }

  /** The newest first. */
  async list(page: {
    readonly status?: ConfirmationStatus;
    readonly limit: number;
    readonly before?: number;
  }): Promise<{ readonly items: readonly Confirmation[]; readonly next: number | null }> {
    const found = await listConfirmations(this.vault.cases, { ...page, limit: page.limit + 1 }, this.clock.now());
    const items = found.slice(0, page.limit);
    return { items, next: found.length > page.limit ? items.at(-1)!.number : null };
  }

  /** As it is shown now. */
  view(confirmation: Confirmation): ConfirmationView {
    return confirmationView(confirmation, this.clock.now());
  }

  /** Why it was asked for; null once its case's secret was destroyed. */
  async reasonOf({ confirmationId, sealed }: KeptConfirmation): Promise<string | null> {
    const secret = await this.vault.secrets.byId(`case/${confirmationId}`);
    if (secret === null) return null;
    const said = unseal(secret, `${confirmationId}/asked`, sealed).toString('utf8');
    return (JSON.parse(said) as { reason: string }).reason;
  }

  /**
   * Confirms or declines, once and for all; what follows from it in the vault is done with it.
   *
   * @throws ConfirmationRefused
   */
  async answer(
    confirmationId: string,
    kind: AnswerKind,
    { reason, reader }: { readonly reason: string; readonly reader: Reader },
  ): Promise<Confirmation> {
    const asked = await this.known(confirmationId);
    const { principal } = reader;
    // What is certain to be refused leaves nothing behind; what is not is decided under the lock.
    assertAnswerable(asked, kind, principal, this.clock.now());
    const { what, about, askedBy } = asked;
    const carryOut = kind === 'given' ? this.consequenceOf(what).carryOut : null;
    if (kind === 'given') await this.assertMayAsk(askedBy);
    const why = (await this.reasonOf(asked)) ?? '';
    const id = newEntryId();
    const { open, kept } = await this.seals.for(id, {
      staff: { actor: reader.name },
      case: { caseId: confirmationId, said: { reason } },
    });
    return this.vault.changeCases(async (change) => {
      const now = this.clock.now();
      const standing = (await findConfirmation(change.db, confirmationId))!;
      assertAnswerable(standing, kind, principal, now);
      const outcome =
        carryOut === null ? null : await carryOut(change, { confirmationId, about, principal: askedBy, reason: why });
      const answer = { kind, by: principal, at: now, outcome };
      await writeAnswer(change.db, confirmationId, answer);
      const type = kind === 'given' ? CONFIRMATION_GIVEN : CONFIRMATION_DECLINED;
      const data = { confirmation: confirmationId, what, ...(outcome === null ? {} : told(outcome)), ...open };
      await change.tell(ledgerEntry(type, now, data, { id, principal, ...kept }));
      return { ...standing, answer };
    });
  }

  /**
   * What a principal may fetch the result of now.
   *
   * @throws ConfirmationRefused
   */
  async fetchable(confirmationId: string, principal: string): Promise<KeptConfirmation> {
    const found = await this.known(confirmationId);
    assertFetchable(found, principal, this.clock.now());
    if (this.consequenceOf(found.what).carryOut !== null) throw new ConfirmationRefused('no_result');
    return found;
  }

  /**
   * Takes the one time that a result can be fetched. Of several at once one has it.
   *
   * @throws ConfirmationRefused
   */
  async takeResult(confirmationId: string, principal: string): Promise<void> {
    await this.vault.changeCases(async ({ db }) => {
      const now = this.clock.now();
      assertFetchable((await findConfirmation(db, confirmationId))!, principal, now);
      await writeFetched(db, confirmationId, now);
    });
  }

  /** @throws ConfirmationRefused */
  private consequenceOf(what: DualControlled): NonNullable<Consequences[DualControlled]> {
    const consequence = this.consequences[what];
    if (consequence === undefined) throw new ConfirmationRefused('not_here');
    return consequence;
  }

  /** Two people who may: what was asked for by somebody whose last key is gone is not carried out for another's word alone. */
  private async assertMayAsk(principal: string): Promise<void> {
    if (principal === COMMAND_LINE && this.config.mode === 'development') return;
    if (!(await this.keys.isHeldFor(principal, 'officer'))) throw new ConfirmationRefused('asker_gone');
  }
}

/** What an entry says of what was carried out: no ids, by which the chains of two people could be laid side by side. */
function told(outcome: Outcome): JsonObject {
  return { outcome: outcome.done ? 'done' : outcome.code };
}
