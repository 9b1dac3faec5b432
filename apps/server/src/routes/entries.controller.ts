import { Controller, Get, Param, Res } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import { ApiBearerAuth, ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { Allow, RecordConsultation, type Caller } from '@sijill/access';
import { EntryById } from '@sijill/read-models';
import { Vault } from '@sijill/vault';
import { stampPosition } from '../http/answers.js';
import { Problem } from '../http/problem.js';
import { ReadsFrom } from '../http/reads-from.js';
import { From, OptionalReason } from '../http/reason.js';
import { entryIdPipe } from './ids.js';

@ApiTags('entries')
@ApiBearerAuth()
@Controller('v1/entries')
export class EntriesController {
  constructor(
    private readonly queries: QueryBus,
    private readonly commands: CommandBus,
    private readonly vault: Vault,
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
    const entry = await this.queries.execute(new EntryById(entryId));
    if (entry === null) throw Problem.notFound('the ledger knows no entry of that id');
    const holder = (entry.data['subjectId'] ?? entry.data['holder']) as string | undefined;
    const subjectId = (entry.data['subjectId'] as string | undefined) ?? null;
    await this.commands.execute(
      new RecordConsultation({ what: 'entry', subjectId, found: true, reason, reader, about: { entryId } }),
    );
    const openable = holder === undefined || (await this.vault.has(holder));
    stampPosition(reply, entry.asOf);
    return { ...entry, sealed: entry.data['sealed'] === undefined ? 'none' : openable ? 'closed' : 'destroyed' };
  }
}
