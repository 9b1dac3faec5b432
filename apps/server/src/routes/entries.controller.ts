import { Body, Controller, Get, Header, HttpCode, Inject, Param, Post, Res, type StreamableFile } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import { ApiBearerAuth, ApiBody, ApiOperation, ApiProduces, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import type { Caller } from '@sijill/access';
import type { OpenedEntry } from '@sijill/cases';
import { entryText, leafText } from '@sijill/event-store';
import { proveEntry } from '@sijill/notary';
import { Allow } from '../access/route-policy.js';
import { ApiProblem } from '../http/api-problem.js';
import { stampPosition } from '../http/answers.js';
import { askedAnswer, openedAnswer } from '../http/opened.js';
import { Problem } from '../http/problem.js';
import { ReadsFrom } from '../http/reads-from.js';
import { From, OptionalReason } from '../http/reason.js';
import { TRANSPARENCY_LOG, type TransparencyLog } from '../transparency-log.js';
import { UnsealEntry } from '../use-cases/case-commands.js';
import { EntryById, type FoundEntry } from '../use-cases/queries.js';
import { RecordConsultation } from '../use-cases/record-consultation.js';
import { entryIdPipe } from './ids.js';
import { UnsealBody } from './requests.js';

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

  @Post(':entryId/unseal')
  @HttpCode(200)
  @Allow('officer')
  @ReadsFrom('entries')
  @ApiOperation({
    summary: 'Open the sealed parts of one entry',
    description:
      'With what opens each of them and nothing else, so that `sijill verify entry --opened` can hold it against the log. Recorded before ' +
      'anything is shown. Where it needs a second person the answer is 202, and whoever asked fetches this from ' +
      '/v1/confirmations/{id}/result once somebody else has confirmed it. After an erasure: what is not the person’s.',
  })
  @ApiBody({ schema: { $ref: '#/components/schemas/UnsealBody' } })
  @ApiResponse({ status: 200, schema: { $ref: '#/components/schemas/OpenedEntry' } })
  @ApiResponse({ status: 202, schema: { $ref: '#/components/schemas/ConfirmationAsked' } })
  @ApiProblem(410, 'nothing of it can be opened any more')
  @ApiProblem(429, 'so many were opened for this principal in the last hour; see Retry-After')
  async unseal(
    @Param('entryId', entryIdPipe) entryId: string,
    @Body() { reason, breakGlass }: UnsealBody,
    @From() reader: Caller,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<OpenedEntry | StreamableFile | { confirmationId: string }> {
    const reading = { reason: reason.trim(), reader };
    const outcome = await this.commands.execute(new UnsealEntry(entryId, reading, breakGlass));
    const isAsked = typeof outcome === 'object' && 'confirmationId' in outcome;
    return isAsked ? askedAnswer(outcome, reply) : openedAnswer(outcome);
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
