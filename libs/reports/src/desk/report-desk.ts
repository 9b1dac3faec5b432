import { createHash } from 'node:crypto';
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { AsOf, Disclosure } from '@sijill/contracts';
import { ledgerEntry, type JsonObject, type Lane } from '@sijill/event-store';
import type { SubjectProofs } from '@sijill/notary';
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
import { disclosureHistory, type ReadModels } from '@sijill/read-models';
import { canonicalJson, formatAccountingProof } from '@sijill/transparency';
import { seal, unseal, type HolderKeys, type Vault } from '@sijill/vault';
import { buildAccounting, type AccountingDataset } from '../accounting/dataset.js';
import type { ReportLanguage } from '../rendering/language.js';
import { RenderClosed } from '../rendering/render-errors.js';
import { renderAccounting, type ReportFormat } from './render-accounting.js';
import { RenderProcess } from './render-process.js';
import { reportMigrations, type ReportTables } from './table.js';

/** The proof that no entry of the subject was left out, beside the documents. */
export const ACCOUNTING_PROOF_NAME = 'accounting.proof';
const ACCOUNTING_PROOF_TYPE = 'application/vnd.sijill.accounting-proof+json';

export const REPORT_GENERATED = 'sijill.report.generated.v1';

export interface AccountingOrder {
  readonly subjectId: string;
  readonly from: string | null;
  readonly to: string | null;
  readonly reason: string;
  readonly requestedBy: string;
  readonly language: ReportLanguage;
  readonly formats: readonly ReportFormat[];
}

export interface ReportFile {
  readonly name: string;
  readonly mediaType: string;
  readonly size: number;
  readonly sha256: string;
}

export interface ReportView {
  readonly id: string;
  readonly report: 'accounting';
  readonly status: 'queued' | 'running' | 'done' | 'failed';
  /** 0 to 1. */
  readonly progress: number;
  readonly createdAt: string;
  readonly asOf: AsOf | null;
  readonly files: readonly ReportFile[];
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
  readonly vault: Vault;
  readonly readModels: ReadModels;
  readonly proofs: SubjectProofs;
  readonly lane: () => Promise<Lane>;
  readonly clock: Clock;
  readonly logger: Logger;
}

interface MadeFile {
  readonly file: ReportFile;
  readonly bytes: Buffer;
}

const PAGE = 500;
/** The proof comes within two seconds where a notary is at work. Without one it covers what was proven last, or is left out. */
const PROOF_PATIENCE_MS = 6_000;

/**
 * Takes orders for reports, makes them one after the other, and keeps the files sealed with their subject's key, so that they
 * go when it goes.
 */
export class ReportDesk {
  private readonly pdfs = new RenderProcess();
  private queue: Promise<void> = Promise.resolve();
  private closed = false;

  private constructor(
    private readonly sql: Sql<ReportTables>,
    private readonly parts: DeskParts,
  ) {}

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
    const keys = await this.keysOf(order.subjectId);
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
      sealed_order: seal(keys, id, canonicalJson(order)),
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
   * One file of a finished report, opened; null when there is none of that name, or the subject was erased.
   *
   * @throws ReportElsewhere the file lies with another server
   */
  async file(id: string, name: string): Promise<{ file: ReportFile; bytes: Buffer; reason: string } | null> {
    const row = await this.sql.reader.selectFrom('report').selectAll().where('id', '=', id).executeTakeFirst();
    const file = row === undefined ? undefined : viewOf(row).files.find((candidate) => candidate.name === name);
    const keys = row === undefined ? null : await this.parts.vault.holderIfAny(row.subject_id);
    if (row === undefined || file === undefined || keys === null) return null;
    if (row.node !== this.parts.node) throw new ReportElsewhere(row.node);
    const sealed = await readFile(this.pathOf(id, name), 'utf8');
    const order = JSON.parse(unseal(keys, id, row.sealed_order).toString('utf8')) as AccountingOrder;
    return { file, bytes: unseal(keys, `${id}/${name}`, sealed), reason: order.reason };
  }

  /**
   * Makes a report at once and hands its files over instead of keeping them: for the command line.
   *
   * @throws ReportSubjectErased
   */
  async make(order: AccountingOrder): Promise<{ asOf: AsOf; files: MadeFile[] }> {
    const { asOf, dataset } = await this.datasetOf(order);
    const files = await this.filesOf(dataset, order);
    await this.record(
      order,
      newEntryId(),
      asOf,
      files.map(({ file }) => file),
    );
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
      const keys = await this.keysOf(row.subject_id);
      const order = JSON.parse(unseal(keys, id, row.sealed_order).toString('utf8')) as AccountingOrder;
      await update({ status: 'running', progress: 0.1 });
      const { asOf, dataset } = await this.datasetOf(order);
      await update({ progress: 0.4 });
      const files = await this.filesOf(dataset, order);
      await update({ progress: 0.9 });
      for (const { file, bytes } of files) await this.keep(keys, id, file.name, bytes);
      // The entry first: a crash behind it makes the report again and records that too; a finished report is never unrecorded.
      await this.record(
        order,
        id,
        asOf,
        files.map(({ file }) => file),
      );
      await update({
        status: 'done',
        progress: 1,
        as_of: JSON.stringify(asOf),
        files: JSON.stringify(files.map(({ file }) => file)),
      });
    } catch (error) {
      if (error instanceof RenderClosed) return;
      this.parts.logger.error({ err: error, report: id }, 'a report could not be made');
      await rm(this.folderOf(id), { recursive: true, force: true }).catch(() => undefined);
      const { type } = describeError(error);
      await update({
        status: 'failed',
        error: `${type}: the report could not be made; the server's log says more`,
      }).catch(() => undefined);
    }
  }

  private async datasetOf(order: AccountingOrder): Promise<{ asOf: AsOf; dataset: AccountingDataset }> {
    const { vault, readModels } = this.parts;
    await this.keysOf(order.subjectId);
    // Its position and time alone: how old it was when it was read does not belong into a document.
    const { position, time } = await readModels.freshAsOf('activity-timeline');
    const asOf: AsOf = { position, time };
    const disclosures: Disclosure[] = [];
    const filter = {
      subjectId: order.subjectId,
      upTo: asOf.position,
      ...(order.from === null ? {} : { from: order.from }),
      ...(order.to === null ? {} : { to: order.to }),
    };
    for (let cursor: string | null = null; ;) {
      const page = await disclosureHistory(readModels.sql.reader, filter, { limit: PAGE, cursor }, false);
      disclosures.push(...page.items);
      if (page.next === null) break;
      cursor = page.next;
    }
    const { from, to, reason, requestedBy, subjectId } = order;
    const subject = { subjectId, identifiers: await vault.identifiersOf(subjectId) };
    return {
      asOf,
      dataset: buildAccounting({ parameters: { from, to, reason, requestedBy }, asOf, subject, disclosures }),
    };
  }

  /** The documents, and beside them the proof that nothing is left out. */
  private async filesOf(dataset: AccountingDataset, order: AccountingOrder): Promise<MadeFile[]> {
    const proof = this.proofOf(dataset);
    proof.catch(() => undefined);
    const files: MadeFile[] = [];
    for (const format of order.formats) {
      const { name, mediaType, bytes } = await renderAccounting(dataset, format, order.language, this.pdfs);
      files.push(madeFile(name, mediaType, bytes));
    }
    const made = await proof;
    return made === null ? files : [...files, made];
  }

  private async proofOf({ subject: { subjectId }, asOf }: AccountingDataset): Promise<MadeFile | null> {
    const wish = { covering: asOf.position, patienceMs: PROOF_PATIENCE_MS };
    const proof = await this.parts.proofs.prove(subjectId, wish);
    if (proof !== null)
      return madeFile(ACCOUNTING_PROOF_NAME, ACCOUNTING_PROOF_TYPE, Buffer.from(formatAccountingProof(proof)));
    this.parts.logger.warn('a report has no proof that it is whole: no notary has signed a map of the subjects');
    return null;
  }

  /** That a report about somebody was made is itself an entry: who, why, what came out. */
  private async record(
    order: AccountingOrder,
    reportId: string,
    asOf: AsOf,
    files: readonly ReportFile[],
  ): Promise<void> {
    const keys = await this.keysOf(order.subjectId);
    const id = newEntryId();
    const data: JsonObject = {
      report: 'accounting',
      reportId,
      subjectId: order.subjectId,
      from: order.from,
      to: order.to,
      language: order.language,
      asOf: { ...asOf },
      files: files.map((file) => ({ ...file })),
      sealed: seal(keys, id, canonicalJson({ actor: order.requestedBy, reason: order.reason })),
    };
    const entry = ledgerEntry(REPORT_GENERATED, this.parts.clock.now(), data, id);
    await (await this.parts.lane()).append([entry]);
  }

  /** Sealed, written beside, synced, renamed: a file is whole or not there. */
  private async keep(keys: HolderKeys, id: string, name: string, bytes: Buffer): Promise<void> {
    await mkdir(this.folderOf(id), { recursive: true, mode: 0o700 });
    const beside = `${this.pathOf(id, name)}.new`;
    const handle = await open(beside, 'w', 0o600);
    try {
      await handle.writeFile(seal(keys, `${id}/${name}`, bytes));
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(beside, this.pathOf(id, name));
    const folder = await open(this.folderOf(id), 'r');
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  }

  private folderOf(id: string): string {
    return join(this.parts.dataDir, 'reports', id);
  }

  private pathOf(id: string, name: string): string {
    return join(this.folderOf(id), `${name}.jwe`);
  }

  private async keysOf(subjectId: string): Promise<HolderKeys> {
    const keys = await this.parts.vault.holderIfAny(subjectId);
    if (keys === null) throw new ReportSubjectErased('the subject of the report was erased');
    return keys;
  }
}

function madeFile(name: string, mediaType: string, bytes: Buffer): MadeFile {
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  return { file: { name, mediaType, size: bytes.length, sha256 }, bytes };
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
