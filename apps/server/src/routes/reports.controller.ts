import { Body, Controller, Get, HttpCode, Param, Post, Res, StreamableFile } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { ApiBearerAuth, ApiBody, ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { Readable } from 'node:stream';
import { Limits, type Caller } from '@sijill/access';
import { ReportDesk, type ReportView } from '@sijill/reports';
import { Vault } from '@sijill/vault';
import { Allow } from '../access/route-policy.js';
import { ApiProblem } from '../http/api-problem.js';
import { stampPosition } from '../http/answers.js';
import { Problem } from '../http/problem.js';
import { ReadsFrom } from '../http/reads-from.js';
import { From } from '../http/reason.js';
import { RecordConsultation } from '../use-cases/record-consultation.js';
import { OrderAccounting } from '../use-cases/report-commands.js';
import { known } from './identifiers.js';
import { reportIdPipe } from './ids.js';
import { ReportBody } from './requests.js';
import { period } from './times.js';

@ApiTags('reports')
@ApiBearerAuth()
@Controller('v1/reports')
export class ReportsController {
  constructor(
    private readonly commands: CommandBus,
    private readonly desk: ReportDesk,
    private readonly vault: Vault,
    private readonly limits: Limits,
  ) {}

  @Post()
  @HttpCode(202)
  @Allow('officer')
  @ReadsFrom('activity-timeline')
  @ApiOperation({
    summary: 'Order a report',
    description:
      'About one person: the subject that is asked for, or to whom the identifier leads now, and all that are linked to it. It is made in the background; Location says where to look.',
  })
  @ApiBody({ schema: { $ref: '#/components/schemas/ReportBody' } })
  @ApiResponse({ status: 202, schema: { $ref: '#/components/schemas/ReportView' } })
  async order(
    @Body() body: ReportBody,
    @From() reader: Caller,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ReportView> {
    const { parameters, language, formats } = body;
    const reason = parameters.reason.trim();
    const { from = null, to = null } = period('parameters.', parameters);
    const subjectId = await this.subjectOf(parameters, reader);
    await this.commands.execute(
      new RecordConsultation({ what: 'report', subjectId, found: subjectId !== null, reason, reader }),
    );
    if (subjectId === null) throw Problem.notFound('nobody in this ledger has that identifier or id');
    const view = await this.commands.execute(
      new OrderAccounting({
        subjectId,
        audience: parameters.audience,
        from,
        to,
        reason,
        requestedBy: reader.name,
        principal: reader.principal,
        language,
        formats,
      }),
    );
    void reply.header('location', `/v1/reports/${view.id}`);
    return view;
  }

  @Get(':id')
  @Allow('officer')
  @ApiOperation({ summary: 'How far a report is' })
  @ApiResponse({ status: 200, schema: { $ref: '#/components/schemas/ReportView' } })
  async report(
    @Param('id', reportIdPipe) id: string,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ReportView> {
    const found = await this.desk.find(id);
    if (found === null) throw Problem.notFound('there is no report of that id');
    const { subjectId: _, ...view } = found;
    if (view.asOf !== null) stampPosition(reply, view.asOf);
    return view;
  }

  @Get(':id/files/:name')
  @Allow('officer')
  @ApiOperation({ summary: 'One file of a finished report' })
  @ApiResponse({
    status: 200,
    description: 'the file',
    content: {
      'application/pdf': {},
      'text/csv': {},
      'application/json': {},
      'application/vnd.sijill.accounting-proof+gzip': {},
    },
  })
  @ApiProblem(409, 'the file lies with another server')
  async file(
    @Param('id', reportIdPipe) id: string,
    @Param('name') name: string,
    @From() reader: Caller,
  ): Promise<StreamableFile> {
    const found = await this.desk.find(id);
    const opened = found === null ? null : await this.desk.file(id, name);
    if (found === null || opened === null)
      throw Problem.notFound('there is no such file, the report is not finished, or its subject was erased');
    const { file, content, reason } = opened;
    await this.commands.execute(
      new RecordConsultation({
        what: 'report_file',
        subjectId: found.subjectId,
        found: true,
        reason,
        reader,
        about: { reportId: id, file: name },
      }),
    );
    return new StreamableFile(Readable.from(content), {
      type: file.mediaType,
      length: file.size,
      disposition: `attachment; filename="${file.name}"`,
    });
  }

  private async subjectOf(
    { subjectId, identifier }: ReportBody['parameters'],
    { principal }: Caller,
  ): Promise<string | null> {
    if ((subjectId === undefined) === (identifier === undefined)) {
      throw Problem.invalid([{ path: 'parameters', code: 'required', message: 'give either subjectId or identifier' }]);
    }
    const { directory } = this.vault;
    if (identifier !== undefined) {
      const named = known(identifier, 'parameters.identifier', this.vault);
      await this.limits.take(principal, 'lookup');
      const found = await directory.lookUp(named);
      return found?.subjectId ?? null;
    }
    const id = subjectId!.toLowerCase();
    return (await directory.person(id)) === null ? null : id;
  }
}
