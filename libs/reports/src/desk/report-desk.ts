import type { AsOf } from '@sijill/contracts';
import type { Lane } from '@sijill/event-store';
import type { ProofScope, SubjectProofs } from '@sijill/notary';
import {
  describeError,
  isoTime,
  newEntryId,
  openSql,
  retryWhileBusy,
  type Clock,
  type Logger,
  type Sql,
  type SqlTarget,
} from '@sijill/platform';
import { openingWith, wholeDisclosureHistory, type ReadModels } from '@sijill/read-models';
import { canonicalJson, ProofPacker, utf8 } from '@sijill/transparency';
import { defaultScope, keyIdOf, seal, SubjectErased, unseal, yearOf, type Secret, type Vault } from '@sijill/vault';
import { isOfDocument, RenderClosed, TooLongToPrint } from '../rendering/render-errors.js';
import { DisclosuresChanged, readAccounting, type Accounting } from './read-accounting.js';
import { renderAccounting } from './render-accounting.js';
import { RenderProcess } from './render-process.js';
import { reportEntry } from './report-entry.js';
import { handOver, ReportFiles, type FileSink } from './report-files.js';
import type { AccountingOrder, ReportFile } from './report-order.js';
import { reportMigrations, type ReportTables } from './table.js';

/** The proof of what the documents say, beside them. */
export const ACCOUNTING_PROOF_NAME = 'accounting.proof';
const ACCOUNTING_PROOF_TYPE = 'application/vnd.sijill.accounting-proof+gzip';

export interface ReportView {
  readonly id: string;
  readonly report: 'accounting';
  readonly status: 'queued' | 'running' | 'done' | 'failed';
  /** 0 to 1. */
  readonly progress: number;
  readonly createdAt: string;
  readonly asOf: AsOf | null;
  readonly files: readonly ReportFile[];
  /** Why it failed; or, of one that is done, which of its documents there is not, and why. */
  readonly error: string | null;
}

/** The subject of a report is gone: its key was destroyed, and with it what the report would say. */
export class ReportSubjectErased extends Error {
  override readonly name = 'ReportSubjectErased';
}

/** The files of a report lie in the data directory of another server. */
export class ReportElsewhere extends Error {
  override readonly name = 'ReportElsewhere';
  constructor(readonly node: string) {
    super(`the report lies with server ${node}`);
  }
}

interface DeskParts {
  readonly dataDir: string;
  /** Tells this server's orders from those of others in the same database. */
  readonly node: string;
  readonly vault: Pick<Vault, 'directory' | 'secrets'>;
  readonly readModels: ReadModels;
  readonly proofs: SubjectProofs;
  readonly lane: () => Promise<Lane>;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** The proof comes within two seconds where a notary is at work. Without one it covers what was proven last, or is left out. */
const PROOF_PATIENCE_MS = 6_000;

/**
 * Takes orders for reports, makes them one after the other, and keeps the files sealed with their subject's key, so that they
 * go when it goes.
 */
export class ReportDesk {
  private readonly pdfs = new RenderProcess();
  private readonly files: ReportFiles;
  private queue: Promise<void> = Promise.resolve();
  private closed = false;

  private constructor(
    private readonly sql: Sql<ReportTables>,
    private readonly parts: DeskParts,
  ) {
    this.files = new ReportFiles(parts.dataDir);
  }

  /** @throws DatabaseUnavailable */
  static async open(target: SqlTarget, parts: DeskParts): Promise<ReportDesk> {
    return new ReportDesk(
      await openSql<ReportTables>(target, { name: 'report', durability: 'full', migrations: reportMigrations }),
      parts,
    );
  }

  /** Takes up what this server left when it was stopped: orders are durable, so those not finished are made now. */
  async resume(): Promise<void> {
    const rows = await this.sql.reader
      .selectFrom('report')
      .select('id')
      .where('status', 'in', ['queued', 'running'])
      .where('node', '=', this.parts.node)
      .orderBy('created_at')
      .execute();
    for (const { id } of rows) this.enqueue(id);
  }

  /**
   * Takes an order; the report is made in the background.
   *
   * @throws ReportSubjectErased
   */
  async order(order: AccountingOrder): Promise<ReportView> {
    const secret = await this.secretOf(order.subjectId);
    const id = newEntryId();
    const row: ReportTables['report'] = {
      id,
      kind: 'accounting',
      subject_id: order.subjectId,
      node: this.parts.node,
      status: 'queued',
      progress: 0,
      created_at: isoTime(this.parts.clock.now()),
      as_of: null,
      sealed_order: seal(secret, id, canonicalJson(order)),
      files: '[]',
      error: null,
    };
    await retryWhileBusy(() => this.sql.writer.insertInto('report').values(row).execute());
    this.enqueue(id);
    return viewOf(row);
  }

  async find(id: string): Promise<(ReportView & { subjectId: string }) | null> {
    const row = await this.sql.reader.selectFrom('report').selectAll().where('id', '=', id).executeTakeFirst();
    return row === undefined ? null : { ...viewOf(row), subjectId: row.subject_id };
  }

  /**
   * One file of a finished report, opened piece by piece; null when there is none of that name, or the subject was erased.
   *
   * @throws ReportElsewhere the file lies with another server
   */
  async file(
    id: string,
    name: string,
  ): Promise<{ file: ReportFile; content: AsyncIterable<Buffer>; reason: string } | null> {
    const row = await this.sql.reader.selectFrom('report').selectAll().where('id', '=', id).executeTakeFirst();
    const file = row === undefined ? undefined : viewOf(row).files.find((candidate) => candidate.name === name);
    if (row === undefined || file === undefined) return null;
    const order = await this.opened(row.sealed_order, id);
    if (order === null) return null;
    if (row.node !== this.parts.node) throw new ReportElsewhere(row.node);
    const content = await this.files.opened(id, file, (keyId) => this.parts.vault.secrets.byId(keyId));
    return content === null ? null : { file, content, reason: orderIn(order).reason };
  }

  /**
   * Makes a report at once and hands its files over instead of keeping them: for the command line.
   *
   * @throws ReportSubjectErased
   * @throws TooLongToPrint there are more disclosures than a PDF has
   */
  async make(order: AccountingOrder, sink: FileSink): Promise<{ asOf: AsOf; files: ReportFile[] }> {
    const accounting = await this.accountingOf(order);
    const { files } = await this.filesOf(accounting, order, sink);
    const { asOf } = accounting.head;
    await this.record(order, newEntryId(), asOf, files);
    return { asOf, files };
  }

  /** A report under way is left as it is: its order is durable, and the next start makes it. */
  async close(): Promise<void> {
    this.closed = true;
    await this.pdfs.close();
    await this.queue;
    await this.sql.close();
  }

  private enqueue(id: string): void {
    this.queue = this.queue.then(() => (this.closed ? undefined : this.run(id)));
  }

  private async run(id: string): Promise<void> {
    const update = (set: Partial<ReportTables['report']>): Promise<unknown> =>
      retryWhileBusy(() => this.sql.writer.updateTable('report').set(set).where('id', '=', id).execute());
    try {
      const row = await this.sql.reader.selectFrom('report').selectAll().where('id', '=', id).executeTakeFirstOrThrow();
      // Ordered and taken up again in the same moment of a start.
      if (row.status === 'done' || row.status === 'failed') return;
      const text = await this.opened(row.sealed_order, id);
      if (text === null) throw new ReportSubjectErased('the subject of the report was erased');
      const order = orderIn(text);
      await update({ status: 'running', progress: 0.1 });
      const accounting = await this.accountingOf(order);
      const { asOf } = accounting.head;
      await update({ progress: 0.4 });
      const sink = this.files.sealed(id, () => this.secretOf(order.subjectId));
      const { files, missing } = await this.filesOf(accounting, order, sink);
      await update({ progress: 0.9 });
      // The entry first: a crash behind it makes the report again and records that too; a finished report is never unrecorded.
      await this.record(order, id, asOf, files);
      await update({
        status: 'done',
        progress: 1,
        as_of: JSON.stringify(asOf),
        files: JSON.stringify(files),
        error: missing,
      });
    } catch (error) {
      if (error instanceof RenderClosed) return;
      this.parts.logger.error({ err: error, report: id }, 'a report could not be made');
      await this.files.remove(id).catch(() => undefined);
      await update({ status: 'failed', error: toldOf(error, 'the report') }).catch(() => undefined);
    }
  }

  /** Who is linked is asked behind the position: whatever the ledger knew there is known then. */
  private async accountingOf(order: AccountingOrder): Promise<Accounting> {
    const { vault, readModels } = this.parts;
    const { from, to, reason, requestedBy, subjectId, audience, language } = order;
    // Its position and time alone: how old it was when it was read does not belong into a document.
    const { position, time } = await readModels.freshAsOf('activity-timeline');
    const asOf: AsOf = { position, time };
    const person = await vault.directory.person(subjectId);
    if (person === null) throw new ReportSubjectErased('the subject of the report was erased');
    const subjectIds = [subjectId, ...person.linked];
    const filter = {
      subjectIds,
      upTo: asOf.position,
      ...(from === null ? {} : { from }),
      ...(to === null ? {} : { to }),
    };
    const subject = {
      subjectId,
      linked: person.linked,
      identifiers: await vault.directory.identifiersOf(subjectIds),
      openConflicts: person.openConflicts,
    };
    const parameters = { from, to, audience, reason, requestedBy };
    const openerFor = openingWith(vault.secrets);
    return readAccounting({ parameters, language, asOf, subject }, () =>
      wholeDisclosureHistory(readModels.sql.reader, openerFor, filter),
    );
  }

  /**
   * The documents, and beside them the proof of what they say. One that cannot be laid out does not keep the others from being made.
   *
   * @returns with them which one is missing, and why
   */
  private async filesOf(
    accounting: Accounting,
    order: AccountingOrder,
    sink: FileSink,
  ): Promise<{ files: ReportFile[]; missing: string | null }> {
    const proof = this.proofOf(accounting);
    const files: ReportFile[] = [];
    let missing: string | null = null;
    for (const format of order.formats) {
      try {
        const { name, mediaType, content } = await renderAccounting(accounting, format, order.language, this.pdfs);
        files.push(await handOver(sink, name, mediaType, content));
      } catch (error) {
        if (!isOfDocument(error) || order.formats.length === 1) throw error;
        this.parts.logger.error({ err: error, format }, 'a document of a report could not be made');
        missing = toldOf(error, `the ${format}`);
      }
    }
    const text = await proof;
    if (text === null) return { files, missing };
    try {
      files.push(await handOver(sink, ACCOUNTING_PROOF_NAME, ACCOUNTING_PROOF_TYPE, packed(text)));
    } catch (error) {
      this.parts.logger.error({ err: error }, 'a report has no proof: it could not be written');
    }
    return { files, missing };
  }

  /** A report without its proof is a report all the same: whatever keeps the proof from being made, the documents are. */
  private async proofOf({ head, positions }: Accounting): Promise<AsyncIterable<string> | null> {
    const { parameters, subject, asOf } = head;
    const { proofs, logger } = this.parts;
    const scope: ProofScope = parameters.audience === 'subject' ? { only: positions } : 'complete';
    const wish = { scope, covering: asOf.position, patienceMs: PROOF_PATIENCE_MS };
    try {
      const proof = await proofs.prove([subject.subjectId, ...subject.linked], wish);
      if (proof === null)
        logger.warn('a report has no proof: no notary has signed a map of the subjects that shows it');
      return proof;
    } catch (error) {
      logger.error({ err: error }, 'a report has no proof: it could not be made');
      return null;
    }
  }

  /** That a report about somebody was made is itself an entry: who, why, what came out. */
  private async record(
    order: AccountingOrder,
    reportId: string,
    asOf: AsOf,
    files: readonly ReportFile[],
  ): Promise<void> {
    const now = this.parts.clock.now();
    const secrets = {
      subject: await this.secretOf(order.subjectId),
      staff: await this.parts.vault.secrets.ofStaff(yearOf(now)),
    };
    const entry = reportEntry({ order, reportId, asOf, files }, secrets, { id: newEntryId(), now });
    await (await this.parts.lane()).append([entry]);
  }

  /** What is sealed now for the subject of a report. @throws ReportSubjectErased */
  private async secretOf(subjectId: string): Promise<Secret> {
    try {
      return await this.parts.vault.secrets.ofSubject(subjectId, defaultScope(this.parts.clock.now()));
    } catch (error) {
      if (error instanceof SubjectErased) throw new ReportSubjectErased('the subject of the report was erased');
      throw error;
    }
  }

  /** Opens what was sealed, perhaps in another year; null when its key was destroyed since. */
  private async opened(sealed: string, context: string): Promise<Buffer | null> {
    const secret = await this.parts.vault.secrets.byId(keyIdOf(sealed));
    return secret === null ? null : unseal(secret, context, sealed);
  }
}

/** What whoever ordered a report may know of an error: the messages of others may quote what was in the report. */
function toldOf(error: unknown, what: string): string {
  if (error instanceof TooLongToPrint || error instanceof DisclosuresChanged) return error.message;
  return `${describeError(error).type}: ${what} could not be made; the server's log says more`;
}

function orderIn(text: Buffer): AccountingOrder {
  return JSON.parse(text.toString('utf8')) as AccountingOrder;
}

async function* packed(text: AsyncIterable<string>): AsyncGenerator<Uint8Array> {
  const packer = new ProofPacker();
  for await (const piece of text) yield* packer.add(utf8(piece), false);
  yield* packer.add(new Uint8Array(), true);
}

function viewOf(row: ReportTables['report']): ReportView {
  return {
    id: row.id,
    report: 'accounting',
    status: row.status as ReportView['status'],
    progress: row.progress,
    createdAt: row.created_at,
    asOf: row.as_of === null ? null : (JSON.parse(row.as_of) as AsOf),
    files: JSON.parse(row.files) as ReportFile[],
    error: row.error,
  };
}
