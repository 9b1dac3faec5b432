import { Body, Controller, Get, HttpCode, Param, Post, Query, Res } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import { ApiBearerAuth, ApiBody, ApiHeader, ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { Allow, RecordConsultation, type Caller } from '@sijill/access';
import { ActivityTimeline, DisclosureHistory, type TimelineFilter } from '@sijill/read-models';
import { Vault } from '@sijill/vault';
import { stampPosition } from '../http/answers.js';
import { Problem } from '../http/problem.js';
import { ReadsFrom } from '../http/reads-from.js';
import { From, Reason } from '../http/reason.js';
import { ActivitiesQuery, DisclosuresQuery, LookUpBody } from './requests.js';
import { known } from './identifiers.js';
import { instant } from './times.js';
import { subjectIdPipe } from './ids.js';

const reasonHeader = { name: 'Sijill-Reason', required: true, description: 'why; it is recorded' };
const positionHeader = {
  name: 'Sijill-Position',
  required: false,
  description:
    'the value of this header from an earlier answer: wait until the answer includes all that was stored by then',
};

@ApiTags('subjects')
@ApiBearerAuth()
@Controller('v1/subjects')
export class SubjectsController {
  constructor(
    private readonly queries: QueryBus,
    private readonly commands: CommandBus,
    private readonly vault: Vault,
  ) {}

  @Post('lookup')
  @HttpCode(200)
  @Allow('officer')
  @ApiOperation({
    summary: 'Find a person by an identifier',
    description: 'The identifier travels in the body, never in an address.',
  })
  @ApiBody({ schema: { $ref: '#/components/schemas/LookUpBody' } })
  @ApiResponse({ status: 200, schema: { $ref: '#/components/schemas/FoundSubject' } })
  @ApiResponse({
    status: 404,
    description: 'the ledger knows nobody by it',
    schema: { $ref: '#/components/schemas/Problem' },
  })
  async lookUp(@Body() body: LookUpBody, @From() reader: Caller): Promise<{ subjectId: string }> {
    const subjectId = await this.vault.find(known(body.identifier, 'identifier.value', this.vault));
    await this.commands.execute(
      new RecordConsultation({
        what: 'subject',
        subjectId,
        found: subjectId !== null,
        reason: body.reason.trim(),
        reader,
      }),
    );
    if (subjectId === null) throw Problem.notFound('nobody in this ledger has that identifier');
    return { subjectId };
  }

  @Get(':subjectId/disclosures')
  @Allow('officer', 'regulator')
  @ReadsFrom('activity-timeline')
  @ApiHeader(reasonHeader)
  @ApiHeader(positionHeader)
  @ApiOperation({ summary: "Who received this person's data", description: 'Newest first.' })
  @ApiResponse({ status: 200, schema: { $ref: '#/components/schemas/DisclosureAnswer' } })
  async disclosures(
    @Param('subjectId', subjectIdPipe) subjectId: string,
    @Query() query: DisclosuresQuery,
    @Reason() reason: string,
    @From() reader: Caller,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<unknown> {
    const page = { limit: query.limit, cursor: query.cursor ?? null };
    const answer = await this.queries.execute(new DisclosureHistory(filterOf(subjectId, query), page));
    await this.record('disclosures', answer === null ? null : subjectId, reason, reader);
    if (answer === null) throw Problem.notFound('the ledger knows no subject of that id');
    stampPosition(reply, answer.asOf);
    return answer;
  }

  @Get(':subjectId/activities')
  @Allow('officer')
  @ReadsFrom('activity-timeline')
  @ApiHeader(reasonHeader)
  @ApiHeader(positionHeader)
  @ApiOperation({ summary: 'All that the ledger holds about this person', description: 'Newest first.' })
  @ApiResponse({ status: 200, schema: { $ref: '#/components/schemas/ActivityAnswer' } })
  async activities(
    @Param('subjectId', subjectIdPipe) subjectId: string,
    @Query() query: ActivitiesQuery,
    @Reason() reason: string,
    @From() reader: Caller,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<unknown> {
    const filter = {
      ...filterOf(subjectId, query),
      ...(query.activity === undefined ? {} : { activity: query.activity }),
    };
    const answer = await this.queries.execute(
      new ActivityTimeline(filter, { limit: query.limit, cursor: query.cursor ?? null }),
    );
    await this.record('activities', answer === null ? null : subjectId, reason, reader);
    if (answer === null) throw Problem.notFound('the ledger knows no subject of that id');
    stampPosition(reply, answer.asOf);
    return answer;
  }

  /** Recorded before anything is answered: what cannot be accounted for is not shown. */
  private async record(
    what: 'disclosures' | 'activities',
    subjectId: string | null,
    reason: string,
    reader: Caller,
  ): Promise<void> {
    await this.commands.execute(new RecordConsultation({ what, subjectId, found: subjectId !== null, reason, reader }));
  }
}

function filterOf(subjectId: string, query: DisclosuresQuery): TimelineFilter {
  const { recipient, recipientClass, purpose, category } = query;
  const from = instant('from', query.from);
  const to = instant('to', query.to);
  return {
    subjectId,
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
    ...(recipient === undefined ? {} : { recipient }),
    ...(recipientClass === undefined ? {} : { recipientClass }),
    ...(purpose === undefined ? {} : { purpose }),
    ...(category === undefined ? {} : { category }),
  };
}
