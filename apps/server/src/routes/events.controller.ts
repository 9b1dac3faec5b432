import { Body, Controller, Headers, HttpCode, Post, Res } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { ApiBearerAuth, ApiBody, ApiConsumes, ApiHeader, ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import type { Caller } from '@sijill/access';
import type { FieldError } from '@sijill/contracts';
import { decodeJson, type IncomingBatch } from '@sijill/intake';
import { ReadModels } from '@sijill/read-models';
import { Allow } from '../access/route-policy.js';
import { ApiProblem } from '../http/api-problem.js';
import { stampPosition } from '../http/answers.js';
import { preferenceOf } from '../http/prefer.js';
import { Problem } from '../http/problem.js';
import { From } from '../http/reason.js';
import { AcceptEvents } from '../use-cases/intake-commands.js';

const SINGLE = 'application/cloudevents+json';
const BATCH = 'application/cloudevents-batch+json';

@ApiTags('events')
@ApiBearerAuth()
@Controller('v1/events')
export class EventsController {
  constructor(
    private readonly commands: CommandBus,
    private readonly readModels: ReadModels,
  ) {}

  @Post()
  @HttpCode(201)
  @Allow('producer')
  @ApiOperation({
    summary: 'Hand over CloudEvents, one or a batch',
    description:
      'A batch is judged event by event. What is answered as accepted is durable. With "Prefer: return=receipt" the answer holds a receipt: ' +
      'a signed promise that the log will hold the entries by a time; null where none can be given.',
  })
  @ApiConsumes(SINGLE, BATCH)
  @ApiHeader({ name: 'Prefer', required: false, description: 'return=receipt asks for a receipt (RFC 7240)' })
  @ApiBody({
    schema: {
      oneOf: [{ $ref: '#/components/schemas/Event' }, { type: 'array', items: { $ref: '#/components/schemas/Event' } }],
    },
  })
  @ApiResponse({
    status: 201,
    description: 'at least one event was accepted',
    schema: { $ref: '#/components/schemas/IntakeAnswer' },
    headers: {
      'Preference-Applied': { description: 'return=receipt where the answer has one', schema: { type: 'string' } },
    },
  })
  @ApiProblem(422, 'none was accepted')
  async accept(
    @Body() body: unknown,
    @Headers('content-type') contentType: string | undefined,
    @Headers('prefer') prefer: string | undefined,
    @From() caller: Caller,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<unknown> {
    const { events, bytes, faults } = eventsOf(body, contentType ?? '');
    if (events.length === 0) return { accepted: [], rejected: [], receipt: null };
    const { producer: speaker, principal } = caller;
    if (speaker === null) throw new Error('a key with the role producer speaks for one');
    const { accepted, rejected, receipt, position } = await this.commands.execute(
      new AcceptEvents({ events, bytes, faults, speaker, principal }, preferenceOf(prefer, 'return') === 'receipt'),
    );
    if (accepted.length === 0) {
      throw new Problem(
        422,
        'events-refused',
        'Events refused',
        'none of the events was accepted; each fault is named in rejected',
        { accepted, rejected },
      );
    }
    this.readModels.noteAcknowledged(position);
    stampPosition(reply, { position });
    if (receipt !== null) void reply.header('preference-applied', 'return=receipt');
    return { accepted, rejected, receipt };
  }
}

function eventsOf(body: unknown, contentType: string): Required<Pick<IncomingBatch, 'events' | 'bytes' | 'faults'>> {
  const [mediaType = '', ...parameters] = contentType
    .toLowerCase()
    .split(';')
    .map((part) => part.trim());
  const charset = parameters
    .find((parameter) => parameter.startsWith('charset='))
    ?.slice('charset='.length)
    .replaceAll('"', '');
  const understood =
    (mediaType === SINGLE || mediaType === BATCH) &&
    (charset === undefined || charset === 'utf-8' || charset === 'utf8');
  if (!understood || !Buffer.isBuffer(body)) {
    throw new Problem(
      415,
      'unsupported-media-type',
      'Unsupported media type',
      `send ${SINGLE} for one event or ${BATCH} for several, in UTF-8`,
    );
  }
  const decoded = decodeJson(body);
  if ('error' in decoded) throw Problem.invalid([decoded.error], decoded.error.message);
  if (mediaType === SINGLE)
    return {
      events: [decoded.value],
      bytes: body.length,
      faults: decoded.faults.length === 0 ? new Map() : new Map([[0, decoded.faults]]),
    };
  if (!Array.isArray(decoded.value)) {
    throw Problem.invalid([{ path: '', code: 'wrong_type', message: 'a batch is a JSON array of events' }]);
  }
  return { events: decoded.value as unknown[], bytes: body.length, faults: byEvent(decoded.faults) };
}

/** The faults of a batch's text, each with the event that it is in: `[3].data.details` is `data.details` of the event 3. */
function byEvent(all: readonly FieldError[]): Map<number, FieldError[]> {
  const faults = new Map<number, FieldError[]>();
  for (const fault of all) {
    const [, index, path] = /^\[(\d+)\]\.?(.*)$/.exec(fault.path) ?? [];
    const place = Number(index);
    faults.set(place, [...(faults.get(place) ?? []), { ...fault, path: path ?? '' }]);
  }
  return faults;
}
