import { Body, Controller, Get, HttpCode, Param, Post, Query, Res, type StreamableFile } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { ApiBearerAuth, ApiBody, ApiHeader, ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import type { Caller } from '@sijill/access';
import { Confirmations, type AnswerKind, type ConfirmationView, type OpenedEntry } from '@sijill/cases';
import type { Freshness } from '@sijill/contracts';
import { decodeCursor, encodeCursor, ReadModels } from '@sijill/read-models';
import { Allow } from '../access/route-policy.js';
import { ApiProblem } from '../http/api-problem.js';
import { stampPosition } from '../http/answers.js';
import { openedAnswer } from '../http/opened.js';
import { ReadsFrom } from '../http/reads-from.js';
import { From, OptionalReason } from '../http/reason.js';
import { AnswerConfirmation, FetchResult } from '../use-cases/case-commands.js';
import { RecordConsultation } from '../use-cases/record-consultation.js';
import { confirmationIdPipe } from './ids.js';
import { AnswerBody, ConfirmationsQuery } from './requests.js';

/** What one officer asked for and another confirms or declines. */
@ApiTags('confirmations')
@ApiBearerAuth()
@Controller('v1/confirmations')
@Allow('officer')
export class ConfirmationsController {
  constructor(
    private readonly commands: CommandBus,
    private readonly confirmations: Confirmations,
    private readonly readModels: ReadModels,
  ) {}

  @Get()
  @ApiOperation({ summary: 'What was asked for and needs a second person', description: 'Newest first.' })
  @ApiResponse({ status: 200, schema: { $ref: '#/components/schemas/ConfirmationListAnswer' } })
  async list(
    @Query() { status, limit, cursor }: ConfirmationsQuery,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<{ items: ConfirmationView[]; next: string | null; asOf: Freshness }> {
    const asOf = await this.readModels.freshAsOf('entries');
    stampPosition(reply, asOf);
    const { items, next } = await this.confirmations.list({
      limit,
      ...(status === undefined ? {} : { status }),
      ...(cursor === undefined ? {} : { before: decodeCursor(cursor, ['number'])[0] as number }),
    });
    const shown = items.map((item) => this.confirmations.view(item));
    return { items: shown, next: next === null ? null : encodeCursor([next]), asOf };
  }

  @Get(':id')
  @ApiHeader({ name: 'Sijill-Reason', required: false, description: 'why it is looked at; it is recorded' })
  @ApiOperation({
    summary: 'What was asked for, and why',
    description: 'The reason may speak of people, so that looking at it is recorded.',
  })
  @ApiResponse({ status: 200, schema: { $ref: '#/components/schemas/ConfirmationWithReason' } })
  async one(
    @Param('id', confirmationIdPipe) id: string,
    @OptionalReason() reason: string | null,
    @From() reader: Caller,
  ): Promise<ConfirmationView & { reason: string | null }> {
    const found = await this.confirmations.known(id);
    await this.commands.execute(
      new RecordConsultation({
        what: 'confirmation',
        subjectId: null,
        found: true,
        reason,
        reader,
        about: { confirmationId: id },
      }),
    );
    return { ...this.confirmations.view(found), reason: await this.confirmations.reasonOf(found) };
  }

  @Get(':id/result')
  @ReadsFrom('entries')
  @ApiOperation({
    summary: 'What was asked for and confirmed',
    description:
      'For whoever asked, once, within 24 hours of the confirmation: an opened entry, or the bytes of a quarantined record. Opened as it is ' +
      'fetched, and recorded before. Of what was carried out when it was confirmed there is nothing to fetch (404).',
  })
  @ApiResponse({
    status: 200,
    description: 'what was asked for',
    content: {
      'application/json': { schema: { $ref: '#/components/schemas/OpenedEntry' } },
      'application/octet-stream': {},
    },
  })
  @ApiProblem(403, 'somebody else asked for it')
  @ApiProblem(409, '`not_confirmed`: nobody has confirmed it yet')
  @ApiProblem(410, '`fetched`, `too_late`, `not_given`; or its keys were destroyed')
  async result(
    @Param('id', confirmationIdPipe) id: string,
    @From() reader: Caller,
  ): Promise<OpenedEntry | StreamableFile> {
    return openedAnswer(await this.commands.execute(new FetchResult(id, reader)));
  }

  @Post(':id/confirm')
  @HttpCode(200)
  @ApiOperation({
    summary: 'Confirm what somebody else asked for',
    description: 'What is carried out at once says in `outcome` what came of it. Never by whoever asked.',
  })
  @ApiBody({ schema: { $ref: '#/components/schemas/AnswerBody' } })
  @ApiResponse({ status: 200, schema: { $ref: '#/components/schemas/Confirmation' } })
  @ApiProblem(403, '`own_request`: whoever asked cannot confirm')
  @ApiProblem(409, '`answered`, `expired`; `asker_gone`: whoever asked may not any more')
  confirm(
    @Param('id', confirmationIdPipe) id: string,
    @Body() body: AnswerBody,
    @From() reader: Caller,
  ): Promise<ConfirmationView> {
    return this.answered(id, 'given', body, reader);
  }

  @Post(':id/decline')
  @HttpCode(200)
  @ApiOperation({ summary: 'Decline what somebody asked for', description: 'Or take back what one asked for oneself.' })
  @ApiBody({ schema: { $ref: '#/components/schemas/AnswerBody' } })
  @ApiResponse({ status: 200, schema: { $ref: '#/components/schemas/Confirmation' } })
  @ApiProblem(409, '`answered`, `expired`')
  decline(
    @Param('id', confirmationIdPipe) id: string,
    @Body() body: AnswerBody,
    @From() reader: Caller,
  ): Promise<ConfirmationView> {
    return this.answered(id, 'declined', body, reader);
  }

  private async answered(
    id: string,
    kind: AnswerKind,
    { reason }: AnswerBody,
    reader: Caller,
  ): Promise<ConfirmationView> {
    const answered = await this.commands.execute(new AnswerConfirmation(id, kind, { reason: reason.trim(), reader }));
    return this.confirmations.view(answered);
  }
}
