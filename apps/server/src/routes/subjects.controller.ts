import { Controller, Get, Param, Query, Res } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import { ApiBearerAuth, ApiHeader, ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import type { Caller } from '@sijill/access';
import type { AboutPerson, TimelineFilter } from '@sijill/read-models';
import { Allow } from '../access/route-policy.js';
import { stampPosition } from '../http/answers.js';
import { Problem } from '../http/problem.js';
import { ReadsFrom } from '../http/reads-from.js';
import { From, Reason, reasonHeader } from '../http/reason.js';
import { ActivityTimeline, DisclosureHistory } from '../use-cases/queries.js';
import { RecordConsultation } from '../use-cases/record-consultation.js';
import { subjectIdPipe } from './ids.js';
import { ActivitiesQuery, DisclosuresQuery } from './requests.js';
import { period } from './times.js';

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
  ) {}

  @Get(':subjectId/disclosures')
  @Allow('officer', 'regulator')
  @ReadsFrom('activity-timeline')
  @ApiHeader(reasonHeader)
  @ApiHeader(positionHeader)
  @ApiOperation({
    summary: "Who received this person's data",
    description:
      'Newest first, of the subject and of all that are linked to it. References are shown to officers only.',
  })
  @ApiResponse({ status: 200, schema: { $ref: '#/components/schemas/DisclosureAnswer' } })
  async disclosures(
    @Param('subjectId', subjectIdPipe) subjectId: string,
    @Query() query: DisclosuresQuery,
    @Reason() reason: string,
    @From() reader: Caller,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<unknown> {
    const shownTo = reader.roles.includes('officer') ? 'officer' : 'regulator';
    const answer = await this.queries.execute(
      new DisclosureHistory(about(subjectId, query), filterOf(query), pageOf(query), shownTo),
    );
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
    const { activity } = query;
    const filter = { ...filterOf(query), ...(activity === undefined ? {} : { activity }) };
    const answer = await this.queries.execute(new ActivityTimeline(about(subjectId, query), filter, pageOf(query)));
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

function about(subjectId: string, { linked }: DisclosuresQuery): AboutPerson {
  return { subjectId, linked: linked === 'yes' };
}

function pageOf({ limit, cursor }: DisclosuresQuery): { limit: number; cursor: string | null } {
  return { limit, cursor: cursor ?? null };
}

function filterOf(query: DisclosuresQuery): Omit<TimelineFilter, 'subjectIds'> {
  const { recipient, recipientClass, purpose, category, ground, producer, onBehalfOf, verdict } = query;
  const given = {
    ...period('', query),
    recipient,
    recipientClass,
    purpose,
    category,
    ground,
    producer,
    onBehalfOf,
    verdict,
  };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}
