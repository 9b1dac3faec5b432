import { Controller, Get, HttpCode, Param, Post, Query, Res, StreamableFile } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import { ApiBearerAuth, ApiHeader, ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import type { Caller } from '@sijill/access';
import { QuarantineDesk } from '@sijill/intake';
import { isQuarantined, ReadModels } from '@sijill/read-models';
import { Allow } from '../access/route-policy.js';
import { stampPosition } from '../http/answers.js';
import { Problem } from '../http/problem.js';
import { ReadsFrom } from '../http/reads-from.js';
import { From, OptionalReason, Reason } from '../http/reason.js';
import { ReplayQuarantined } from '../use-cases/intake-commands.js';
import { DuplicateList, QuarantineList } from '../use-cases/queries.js';
import { RecordConsultation } from '../use-cases/record-consultation.js';
import { entryIdPipe } from './ids.js';
import { PageQuery } from './requests.js';

const notThere = (): Problem => Problem.notFound('there is no quarantine entry of that id');
const cut = (): Problem =>
  new Problem(
    409,
    'record-cut',
    'Record cut',
    'a crash came in the middle of this record, and of it this entry has the beginning only; the record is in the lane again, whole, behind it',
    { reason: { code: 'record_cut', message: 'the whole record is in the lane behind this entry' } },
  );

const destroyed = (): Problem =>
  new Problem(
    410,
    'destroyed',
    'Destroyed',
    'the key of this quarantine entry was destroyed; its bytes cannot be opened any more',
  );
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
    private readonly desk: QuarantineDesk,
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
  @ApiOperation({ summary: 'The bytes as they arrived' })
  @ApiResponse({ status: 200, description: 'the raw value', content: { 'application/octet-stream': {} } })
  @ApiResponse({
    status: 410,
    description: 'its key was destroyed',
    schema: { $ref: '#/components/schemas/Problem' },
  })
  async raw(
    @Param('entryId', entryIdPipe) entryId: string,
    @Reason() reason: string,
    @From() reader: Caller,
  ): Promise<StreamableFile> {
    await this.mustBeQuarantined(entryId);
    const raw = await this.desk.raw(entryId);
    if (raw === 'unknown') throw notThere();
    if (raw === 'destroyed') throw destroyed();
    if (raw === 'cut') throw cut();
    await this.commands.execute(
      new RecordConsultation({
        what: 'quarantine_raw',
        subjectId: null,
        found: true,
        reason,
        reader,
        about: { entryId },
      }),
    );
    const bytes = raw.value ?? Buffer.alloc(0);
    return new StreamableFile(bytes, { type: 'application/octet-stream', length: bytes.length });
  }

  @Post('quarantine/:entryId/replay')
  @HttpCode(200)
  @Allow('admin', 'officer')
  @ReadsFrom('quarantine')
  @ApiOperation({ summary: 'Read a quarantined record again, under the rules of today' })
  @ApiResponse({ status: 200, schema: { $ref: '#/components/schemas/ReplayAnswer' } })
  @ApiResponse({
    status: 409,
    description: 'the reason that still holds',
    schema: { $ref: '#/components/schemas/Problem' },
  })
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
        throw destroyed();
      case 'cut':
        throw cut();
      case 'unknown':
        throw notThere();
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
