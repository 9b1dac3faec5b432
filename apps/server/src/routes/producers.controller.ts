import { Body, Controller, Delete, Get, Param, Patch, Post, Res } from '@nestjs/common';
import { ApiBearerAuth, ApiBody, ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { ProducerRefused, Producers, type Caller, type Producer, type ProducerTerms } from '@sijill/access';
import type { AsOf } from '@sijill/contracts';
import { ReadModels } from '@sijill/read-models';
import { Allow } from '../access/route-policy.js';
import { ApiProblem } from '../http/api-problem.js';
import { stampPosition } from '../http/answers.js';
import { Problem } from '../http/problem.js';
import { From } from '../http/reason.js';
import { ChangeProducerBody, RegisterProducerBody, RetireProducerBody } from './producers-requests.js';

const producer = { status: 200, schema: { $ref: '#/components/schemas/Producer' } };
const ApiNotRegistered = ApiProblem(404, 'there is no producer of that name');
const ApiRefused = ApiProblem(409, 'the name is taken, or the producer was retired');

@ApiTags('producers')
@ApiBearerAuth()
@Controller('v1/producers')
@Allow('admin')
export class ProducersController {
  constructor(
    private readonly producers: Producers,
    private readonly readModels: ReadModels,
  ) {}

  @Get()
  @ApiOperation({
    summary: 'Who may say what: all producers',
    description: 'Retired ones too, by name, as they are now; asOf is a position whose entries are all in the answer.',
  })
  @ApiResponse({ status: 200, schema: { $ref: '#/components/schemas/ProducerAnswer' } })
  async list(@Res({ passthrough: true }) reply: FastifyReply): Promise<{ items: Producer[]; asOf: AsOf }> {
    // Asked first: what is in the ledger up to there was in the registry before.
    const asOf = await this.readModels.asOf();
    stampPosition(reply, asOf);
    return { items: await this.producers.list(), asOf };
  }

  @Post()
  @ApiOperation({
    summary: 'Register a producer',
    description: 'Any source, the realm "default" and no right to link, unless the body says otherwise.',
  })
  @ApiBody({ schema: { $ref: '#/components/schemas/RegisterProducerBody' } })
  @ApiResponse({ ...producer, status: 201 })
  @ApiRefused
  async register(@Body() body: RegisterProducerBody, @From() caller: Caller): Promise<Producer> {
    return answered(this.producers.add(body.name, termsOf(body), acting(caller, body)));
  }

  @Patch(':name')
  @ApiOperation({
    summary: 'Change what a producer may say, from now on',
    description: 'Members that are left out stay as they are.',
  })
  @ApiBody({ schema: { $ref: '#/components/schemas/ChangeProducerBody' } })
  @ApiResponse(producer)
  @ApiNotRegistered
  @ApiRefused
  async change(
    @Param('name') name: string,
    @Body() body: ChangeProducerBody,
    @From() caller: Caller,
  ): Promise<Producer> {
    return answered(this.producers.change(name, termsOf(body), acting(caller, body)));
  }

  @Delete(':name')
  @ApiOperation({
    summary: 'Retire a producer, at once and for good',
    description: 'Its keys are refused and what its topics carry is quarantined; its entries stay.',
  })
  @ApiBody({ schema: { $ref: '#/components/schemas/RetireProducerBody' } })
  @ApiResponse(producer)
  @ApiNotRegistered
  @ApiRefused
  async retire(
    @Param('name') name: string,
    @Body() body: RetireProducerBody,
    @From() caller: Caller,
  ): Promise<Producer> {
    return answered(this.producers.retire(name, acting(caller, body)));
  }
}

/** A member that is null is as good as left out. */
const termsOf = ({ sources, realm, mayLink }: ChangeProducerBody): ProducerTerms => ({
  sources: sources ?? undefined,
  realm: realm ?? undefined,
  mayLink: mayLink ?? undefined,
});

const acting = ({ name, principal }: Caller, { reason }: RetireProducerBody) => ({
  name,
  principal,
  reason: reason.trim(),
});

/** @throws Problem what the registry refuses, as HTTP has it */
async function answered(change: Promise<Producer>): Promise<Producer> {
  try {
    return await change;
  } catch (error) {
    throw error instanceof ProducerRefused ? problemOf(error) : error;
  }
}

function problemOf({ code, message }: ProducerRefused): Problem {
  switch (code) {
    case 'unknown':
      return Problem.notFound('there is no producer of that name');
    case 'taken':
      return new Problem(409, 'producer-taken', 'Name taken', message);
    case 'retired':
      return new Problem(409, 'producer-retired', 'Producer retired', message);
    case 'bad_name':
    case 'bad_source':
    case 'bad_realm': {
      const path = { bad_name: 'name', bad_source: 'sources', bad_realm: 'realm' }[code];
      return Problem.invalid([{ path, code: 'bad_format', message }]);
    }
    default:
      return code satisfies never;
  }
}
