import { Controller, Get, HttpCode, Param, Post, Query, Res, type StreamableFile } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import { ApiBearerAuth, ApiHeader, ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import type { Caller } from '@sijill/access';
import type { OpenedEntry } from '@sijill/cases';
import { isQuarantined, ReadModels } from '@sijill/read-models';
import { Allow } from '../access/route-policy.js';
import { ApiProblem } from '../http/api-problem.js';
import { stampPosition } from '../http/answers.js';
import { askedAnswer, notOpened, openedAnswer } from '../http/opened.js';
import { Problem } from '../http/problem.js';
import { ReadsFrom } from '../http/reads-from.js';
import { From, OptionalReason, Reason } from '../http/reason.js';
import { ReadRawRecord } from '../use-cases/case-commands.js';
import { ReplayQuarantined } from '../use-cases/intake-commands.js';
import { DuplicateList, QuarantineList } from '../use-cases/queries.js';
import { RecordConsultation } from '../use-cases/record-consultation.js';
import { entryIdPipe } from './ids.js';
import { PageQuery } from './requests.js';

const notThere = (): Problem => Problem.notFound('there is no quarantine entry of that id');
const reasonForIds = {
  name: 'Sijill-Reason',
  required: false,
  description: 'with it an officer is shown which events they were, and that is recorded; nobody else is',
};

@ApiTags('quarantine')
@ApiBearerAuth()
@Controller('v1')
export class QuarantineController {
  constructor(
    private readonly queries: QueryBus,
    private readonly commands: CommandBus,
    private readonly readModels: ReadModels,
  ) {}

  @Get('quarantine')
  @Allow('admin', 'officer')
  @ReadsFrom('quarantine')
  @ApiHeader(reasonForIds)
  @ApiOperation({ summary: 'What arrived and could not be understood', description: 'Newest first.' })
  @ApiResponse({ status: 200, schema: { $ref: '#/components/schemas/QuarantineAnswer' } })
  async list(
    @Query() query: PageQuery,
    @OptionalReason() reason: string | null,
    @From() reader: Caller,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<unknown> {
    const identified = await this.mayIdentify('quarantine', reason, reader);
    const page = { limit: query.limit, cursor: query.cursor ?? null };
    const answer = await this.queries.execute(new QuarantineList(page, identified));
    stampPosition(reply, answer.asOf);
    return answer;
  }

  @Get('quarantine/:entryId/raw')
  @Allow('officer')
  @ReadsFrom('quarantine')
  @ApiHeader({ name: 'Sijill-Reason', required: true, description: 'why; it is recorded' })
  @ApiOperation({
    summary: 'The bytes as they arrived',
    description:
      'Where unsealing needs a second person the answer is 202, and whoever asked fetches the bytes from /v1/confirmations/{id}/result once ' +
      'somebody else has confirmed it.',
  })
  @ApiResponse({ status: 200, description: 'the raw value', content: { 'application/octet-stream': {} } })
  @ApiResponse({ status: 202, schema: { $ref: '#/components/schemas/ConfirmationAsked' } })
  @ApiProblem(410, 'its key was destroyed')
  @ApiProblem(429, 'so many were opened for this principal in the last hour; see Retry-After')
  async raw(
    @Param('entryId', entryIdPipe) entryId: string,
    @Reason() reason: string,
    @From() reader: Caller,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<OpenedEntry | StreamableFile | { confirmationId: string }> {
    await this.mustBeQuarantined(entryId);
    const outcome = await this.commands.execute(new ReadRawRecord(entryId, { reason, reader }));
    const isAsked = typeof outcome === 'object' && 'confirmationId' in outcome;
    return isAsked ? askedAnswer(outcome, reply) : openedAnswer(outcome);
  }

  @Post('quarantine/:entryId/replay')
  @HttpCode(200)
  @Allow('admin', 'officer')
  @ReadsFrom('quarantine')
  @ApiOperation({ summary: 'Read a quarantined record again, under the rules of today' })
  @ApiResponse({ status: 200, schema: { $ref: '#/components/schemas/ReplayAnswer' } })
  @ApiProblem(409, 'the reason that still holds')
  async replay(
    @Param('entryId', entryIdPipe) entryId: string,
    @From() { principal }: Caller,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<unknown> {
    await this.mustBeQuarantined(entryId);
    const outcome = await this.commands.execute(new ReplayQuarantined(entryId, principal));
    switch (outcome.kind) {
      case 'replayed':
        this.readModels.noteAcknowledged(outcome.position);
        stampPosition(reply, outcome);
        return { entries: outcome.entries };
      case 'refused': {
        const { errors } = outcome;
        const reason = { code: errors[0]?.code ?? 'unreadable', message: errors[0]?.message ?? '' };
        throw new Problem(
          409,
          'still-refused',
          'Still refused',
          'the record is still not understood; the reason is named',
          { reason, errors },
        );
      }
      case 'replayed_before':
        throw new Problem(409, 'replayed-before', 'Replayed before', 'this record was replayed already', {
          reason: { code: 'replayed_before', message: 'it was replayed already' },
          replayedAs: outcome.entryId,
        });
      case 'destroyed':
      case 'cut':
      case 'unknown':
        throw notOpened(outcome.kind);
      default:
        return outcome satisfies never;
    }
  }

  @Get('duplicates')
  @Allow('admin', 'officer')
  @ReadsFrom('entries')
  @ApiHeader(reasonForIds)
  @ApiTags('duplicates')
  @ApiOperation({
    summary: 'Events that came again: repeats, and conflicts with other content',
    description: 'Newest first.',
  })
  @ApiResponse({ status: 200, schema: { $ref: '#/components/schemas/DuplicateAnswer' } })
  async duplicates(
    @Query() query: PageQuery,
    @OptionalReason() reason: string | null,
    @From() reader: Caller,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<unknown> {
    const identified = await this.mayIdentify('duplicates', reason, reader);
    const page = { limit: query.limit, cursor: query.cursor ?? null };
    const answer = await this.queries.execute(new DuplicateList(page, identified));
    stampPosition(reply, answer.asOf);
    return answer;
  }

  /**
   * Whether a reader is shown which events a list is about: an officer who says why. Senders make ids of phone numbers, so that
   * they are somebody's data; recorded before anything is answered.
   */
  private async mayIdentify(
    what: 'quarantine' | 'duplicates',
    reason: string | null,
    reader: Caller,
  ): Promise<boolean> {
    if (reason === null || !reader.roles.includes('officer')) return false;
    await this.commands.execute(new RecordConsultation({ what, subjectId: null, found: true, reason, reader }));
    return true;
  }

  /** Ids of other entries are refused here: their sealed parts are opened by no route of these. */
  private async mustBeQuarantined(entryId: string): Promise<void> {
    await this.readModels.freshAsOf('quarantine');
    if (!(await isQuarantined(this.readModels.sql.reader, entryId))) throw notThere();
  }
}
