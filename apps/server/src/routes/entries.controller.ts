import { Controller, Get, Header, Inject, Param, Res } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import { ApiBearerAuth, ApiOperation, ApiProduces, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import type { Caller } from '@sijill/access';
import { entryText, leafText } from '@sijill/event-store';
import { proveEntry } from '@sijill/notary';
import { Allow } from '../access/route-policy.js';
import { stampPosition } from '../http/answers.js';
import { Problem } from '../http/problem.js';
import { ReadsFrom } from '../http/reads-from.js';
import { From, OptionalReason } from '../http/reason.js';
import { TRANSPARENCY_LOG, type TransparencyLog } from '../transparency-log.js';
import { EntryById, type FoundEntry } from '../use-cases/queries.js';
import { RecordConsultation } from '../use-cases/record-consultation.js';
import { entryIdPipe } from './ids.js';

@ApiTags('entries')
@ApiBearerAuth()
@Controller('v1/entries')
export class EntriesController {
  constructor(
    private readonly queries: QueryBus,
    private readonly commands: CommandBus,
    @Inject(TRANSPARENCY_LOG) private readonly log: TransparencyLog,
  ) {}

  @Get(':entryId')
  @Allow('officer', 'regulator')
  @ReadsFrom('entries')
  @ApiOperation({ summary: 'One entry as stored, its sealed parts closed' })
  @ApiResponse({ status: 200, schema: { $ref: '#/components/schemas/EntryView' } })
  async entry(
    @Param('entryId', entryIdPipe) entryId: string,
    @OptionalReason() reason: string | null,
    @From() reader: Caller,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<unknown> {
    const known = await this.known(entryId);
    await this.record(known, reason, reader);
    const { stored, sealed, parts, asOf } = known;
    const { id, type, stream, revision, position, data, metadata } = stored;
    stampPosition(reply, asOf);
    return { entryId: id, type, lane: stream, revision, position, data, metadata, sealed, parts, asOf };
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
    const known = await this.known(entryId);
    await this.record(known, reason, reader);
    stampPosition(reply, known.asOf);
    return leafText(entryText(known.stored));
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
    const { stored, asOf } = await this.known(entryId);
    const proof = await proveEntry(this.log.store, stored.position, await this.log.published());
    if (proof === null)
      throw Problem.notYet('the entry waits for its checkpoint, which comes within seconds; ask again', 1);
    stampPosition(reply, asOf);
    return proof;
  }

  private async known(entryId: string): Promise<FoundEntry> {
    const entry = await this.queries.execute(new EntryById(entryId));
    if (entry === null) throw Problem.notFound('the ledger knows no entry of that id');
    return entry;
  }

  private async record({ stored: { id, data } }: FoundEntry, reason: string | null, reader: Caller): Promise<void> {
    const subjectId = (data['subjectId'] as string | undefined) ?? null;
    await this.commands.execute(
      new RecordConsultation({ what: 'entry', subjectId, found: true, reason, reader, about: { entryId: id } }),
    );
  }
}
