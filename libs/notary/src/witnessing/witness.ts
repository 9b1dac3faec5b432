import { isoTime, openSql, retryWhileBusy, type Clock, type Sql, type SqlTarget } from '@sijill/platform';
import {
  assertGoesOn,
  cosign,
  CosigningRefused,
  formatSignature,
  openCosignRequest,
  verifierKey,
  type Checkpoint,
  type Signer,
  type VerifierKey,
} from '@sijill/transparency';
import { witnessMigrations, type WitnessTables } from './tables.js';

export interface WitnessOptions {
  readonly name: string;
  /** What it cosigns with; told, when it is asked for, whether this witness has never cosigned anything. */
  readonly signer: (isNew: boolean) => Promise<Signer>;
  /** Keys of the logs that are witnessed. */
  readonly logs: readonly VerifierKey[];
  readonly clock: Clock;
}

/**
 * Witnesses other logs: cosigns each checkpoint that has grown from the one it cosigned before, and no other. C2SP tlog-witness.
 *
 * What is cosigned is on disk before it is signed, and is changed from what it was judged by only, so that of two requests, or two
 * processes, no two cosign histories that do not agree, however long a signature takes. One that could not be signed is asked for again.
 */
export class Witness {
  readonly key: VerifierKey;

  private constructor(
    private readonly sql: Sql<WitnessTables>,
    private readonly options: WitnessOptions,
    private readonly signer: Signer,
  ) {
    this.key = verifierKey(options.name, 'cosignature/v1', signer.publicKey);
  }

  /** @throws DatabaseUnavailable | SignerFailed */
  static async open(target: SqlTarget, options: WitnessOptions): Promise<Witness> {
    const database = await openSql<WitnessTables>(target, {
      name: 'witness',
      durability: 'full',
      migrations: witnessMigrations,
    });
    try {
      const any = await database.reader.selectFrom('witnessed_log').select('origin').limit(1).executeTakeFirst();
      return new Witness(database, options, await options.signer(any === undefined));
    } catch (error) {
      await database.close();
      throw error;
    }
  }

  /**
   * Judges a request, and cosigns.
   *
   * @returns the signature line
   * @throws CosigningRefused | SignerFailed
   */
  async addCheckpoint(body: string): Promise<string> {
    const { request, note, checkpoint } = openCosignRequest(body, this.options.logs);
    // Sizes are counted in numbers here; no log comes to 2^53 entries.
    if (checkpoint.size > BigInt(Number.MAX_SAFE_INTEGER))
      throw new CosigningRefused('malformed', 'no log has so many leaves');
    const last = await this.last(checkpoint.origin);
    assertGoesOn(request, checkpoint, last);
    const now = this.options.clock.now();
    if (!(await this.keep(checkpoint, last, isoTime(now)))) {
      const size = (await this.last(checkpoint.origin))?.size ?? 0n;
      throw new CosigningRefused('other size', `the size that was cosigned last is ${size}`, size);
    }
    const seconds = BigInt(Math.floor(now / 1000));
    return formatSignature(await cosign(note.text, this.options.name, this.signer, seconds));
  }

  /** What was cosigned last of a log; null when nothing was. */
  async last(origin: string): Promise<{ size: bigint; root: Uint8Array } | null> {
    const row = await this.sql.writer
      .selectFrom('witnessed_log')
      .select(['size', 'root'])
      .where('origin', '=', origin)
      .executeTakeFirst();
    return row === undefined ? null : { size: BigInt(row.size), root: row.root };
  }

  async close(): Promise<void> {
    await this.sql.close();
  }

  /** Whether it was kept: nobody else has cosigned meanwhile. */
  private async keep(
    { origin, size, root }: Checkpoint,
    last: { size: bigint; root: Uint8Array } | null,
    at: string,
  ): Promise<boolean> {
    const now = { size: Number(size), root: Buffer.from(root), cosigned_at: at };
    return retryWhileBusy(async () => {
      const { writer } = this.sql;
      if (last === null) {
        const { numInsertedOrUpdatedRows: inserted } = await writer
          .insertInto('witnessed_log')
          .values({ origin, ...now })
          .onConflict((conflict) => conflict.doNothing())
          .executeTakeFirstOrThrow();
        return inserted === 1n;
      }
      const { numUpdatedRows: updated } = await writer
        .updateTable('witnessed_log')
        .set(now)
        .where('origin', '=', origin)
        .where('size', '=', Number(last.size))
        .where('root', '=', Buffer.from(last.root))
        .executeTakeFirstOrThrow();
      return updated === 1n;
    });
  }
}
