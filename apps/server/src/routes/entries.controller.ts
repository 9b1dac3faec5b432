import { Controller, Get, Header, Inject, Param, Res } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import { ApiBearerAuth, ApiOperation, ApiProduces, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { Allow, RecordConsultation, type Caller } from '@sijill/access';
import { entryText, leafText } from '@sijill/event-store';
import { proveEntry } from '@sijill/notary';
import { EntryById, type EntryView } from '@sijill/read-models';
import { Vault } from '@sijill/vault';
import { stampPosition } from '../http/answers.js';
import { Problem } from '../http/problem.js';
import { ReadsFrom } from '../http/reads-from.js';
import { From, OptionalReason } from '../http/reason.js';
import { TRANSPARENCY_LOG, type TransparencyLog } from '../transparency-log.js';
import { entryIdPipe } from './ids.js';

@ApiTags('entries')
@ApiBearerAuth()
@Controller('v1/entries')
export class EntriesController {
  constructor(
    private readonly queries: QueryBus,
    private readonly commands: CommandBus,
    private readonly vault: Vault,
    @Inject(TRANSPARENCY_LOG) private readonly log: TransparencyLog,
  ) {}

  @Get(':entryId')
  @Allow('officer', 'regulator')
  @ReadsFrom('entries')
  @ApiOperation({ summary: 'One entry as stored, its sealed part closed' })
  @ApiResponse({ status: 200, schema: { $ref: '#/components/schemas/EntryView' } })
  async entry(
    @Param('entryId', entryIdPipe) entryId: string,
    @OptionalReason() reason: string | null,
    @From() reader: Caller,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<unknown> {
    const entry = await this.known(entryId);
    const holder = (entry.data['subjectId'] ?? entry.data['holder']) as string | undefined;
    await this.record(entry, reason, reader);
    const openable = holder === undefined || (await this.vault.has(holder));
    stampPosition(reply, entry.asOf);
    return { ...entry, sealed: entry.data['sealed'] === undefined ? 'none' : openable ? 'closed' : 'destroyed' };
  }

  @Get(':entryId/leaf')
  @Allow('officer', 'regulator')
  @ReadsFrom('entries')
  @Header('content-type', 'application/json; charset=utf-8')
  @ApiOperation({ summary: 'The leaf of an entry: exactly the bytes that the log hashes, for a verifier' })
  @ApiResponse({ status: 200, schema: { type: 'object', additionalProperties: true } })
  async leaf(
    @Param('entryId', entryIdPipe) entryId: string,
    @OptionalReason() reason: string | null,
    @From() reader: Caller,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<string> {
    const entry = await this.known(entryId);
    await this.record(entry, reason, reader);
    stampPosition(reply, entry.asOf);
    return leafText(entryText({ ...entry, id: entry.entryId, stream: entry.lane }));
  }

  /** Hashes and a signature, which tell nothing of anybody: reading them is no consultation. */
  @Get(':entryId/proof')
  @Allow('officer', 'regulator')
  @ReadsFrom('entries')
  @Header('content-type', 'text/plain; charset=utf-8')
  @ApiOperation({
    summary: 'The proof that an entry is in the log (C2SP tlog-proof); 404 while it waits for its checkpoint',
  })
  @ApiProduces('text/plain')
  @ApiResponse({ status: 200, schema: { type: 'string' } })
  async proof(
    @Param('entryId', entryIdPipe) entryId: string,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<string> {
    const { position, asOf } = await this.known(entryId);
    const proof = await proveEntry(this.log.store, position, await this.log.published());
    if (proof === null)
      throw Problem.notYet('the entry waits for its checkpoint, which comes within seconds; ask again', 1);
    stampPosition(reply, asOf);
    return proof;
  }

  private async known(entryId: string): Promise<EntryView> {
    const entry = await this.queries.execute(new EntryById(entryId));
    if (entry === null) throw Problem.notFound('the ledger knows no entry of that id');
    return entry;
  }

  private async record({ entryId, data }: EntryView, reason: string | null, reader: Caller): Promise<void> {
    const subjectId = (data['subjectId'] as string | undefined) ?? null;
    await this.commands.execute(
      new RecordConsultation({ what: 'entry', subjectId, found: true, reason, reader, about: { entryId } }),
    );
  }
}
