import { Body, Controller, Get, HttpCode, Param, Post, Query, Res } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { ApiBearerAuth, ApiBody, ApiHeader, ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { Limits, type Caller, type Consulted } from '@sijill/access';
import { Separating, type Confirmation } from '@sijill/cases';
import type { Freshness } from '@sijill/contracts';
import { Outboxes } from '@sijill/ledger';
import { activitiesFrom, decodeCursor, encodeCursor, ReadModels } from '@sijill/read-models';
import {
  IdentityConflict,
  Vault,
  type FoundSubject,
  type KnownIdentifier,
  type LinkedOrApart,
  type ListedConflict,
} from '@sijill/vault';
import { Allow } from '../access/route-policy.js';
import { ApiProblem } from '../http/api-problem.js';
import { stampPosition } from '../http/answers.js';
import { askedAnswer } from '../http/opened.js';
import { Problem } from '../http/problem.js';
import { ReadsFrom } from '../http/reads-from.js';
import { From, Reason, reasonHeader } from '../http/reason.js';
import { broughtIn } from '../use-cases/case-commands.js';
import { RecordConsultation } from '../use-cases/record-consultation.js';
import { known } from './identifiers.js';
import { subjectIdPipe } from './ids.js';
import { ConflictsQuery, LinkBody, LookUpBody, ReleaseBody, SeparationBody } from './requests.js';
import { instant } from './times.js';

const TOO_MANY = 'so many look-ups were made by this principal in the last hour; see Retry-After';
const unknownSubject = (): Problem => Problem.notFound('the ledger knows no subject of that id');

/** Who is who: whom identifiers lead to, what is linked, kept apart or not settled. For officers, each look with a reason, recorded. */
@ApiTags('identity')
@ApiBearerAuth()
@Controller('v1')
@Allow('officer')
export class IdentityController {
  constructor(
    private readonly commands: CommandBus,
    private readonly vault: Vault,
    private readonly readModels: ReadModels,
    private readonly outboxes: Outboxes,
    private readonly separating: Separating,
    private readonly limits: Limits,
  ) {}

  @Post('subjects/lookup')
  @HttpCode(200)
  @ApiOperation({
    summary: 'Find a person by an identifier, as of now or of a time',
    description: 'The identifier travels in the body, never in an address.',
  })
  @ApiBody({ schema: { $ref: '#/components/schemas/LookUpBody' } })
  @ApiResponse({ status: 200, schema: { $ref: '#/components/schemas/FoundSubject' } })
  @ApiProblem(404, 'the ledger knows nobody by it')
  @ApiProblem(429, TOO_MANY)
  async lookUp(@Body() body: LookUpBody, @From() reader: Caller): Promise<FoundSubject> {
    const identifier = known(body.identifier, 'identifier', this.vault);
    await this.limits.take(reader.principal, 'lookup');
    const found = await this.vault.directory.lookUp(identifier, momentOf(body.at));
    await this.record('subject', found?.subjectId ?? null, body.reason.trim(), reader);
    if (found === null) throw Problem.notFound('nobody in this ledger has that identifier');
    return found;
  }

  @Get('subjects/:subjectId/identifiers')
  @ApiHeader(reasonHeader)
  @ApiOperation({
    summary: 'The identifiers that lead, or led, to a person',
    description: 'To the subject and to all that are linked to it; each item says to which.',
  })
  @ApiResponse({ status: 200, schema: { $ref: '#/components/schemas/SubjectIdentifierAnswer' } })
  @ApiProblem(429, TOO_MANY)
  @ApiProblem(404, 'there is no such subject')
  async identifiers(
    @Param('subjectId', subjectIdPipe) subjectId: string,
    @Reason() reason: string,
    @From() reader: Caller,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<{ items: KnownIdentifier[]; asOf: Freshness }> {
    const asOf = await this.asOf(reply);
    await this.limits.take(reader.principal, 'lookup');
    const person = await this.vault.directory.person(subjectId);
    await this.record('identifiers', person === null ? null : subjectId, reason, reader);
    if (person === null) throw unknownSubject();
    return { items: await this.vault.directory.identifiersOf([subjectId, ...person.linked]), asOf };
  }

  @Post('subjects/:subjectId/identifiers/release')
  @HttpCode(200)
  @ReadsFrom('activity-timeline')
  @ApiOperation({
    summary: 'Release an identifier: from a moment on it leads to nobody',
    description:
      'Now, unless `at` says otherwise. The next event from behind that moment makes a new subject. Entries stay where they are; ' +
      'the answer counts those of the old owner that happened from then on.',
  })
  @ApiBody({ schema: { $ref: '#/components/schemas/ReleaseBody' } })
  @ApiResponse({ status: 200, schema: { $ref: '#/components/schemas/ReleaseAnswer' } })
  @ApiProblem(404, 'there is no such subject, or the identifier does not lead to it at that moment')
  @ApiProblem(409, '`already`: it was released at that very moment before')
  async release(
    @Param('subjectId', subjectIdPipe) subjectId: string,
    @Body() body: ReleaseBody,
    @From() reader: Caller,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<{ entriesBehind: number }> {
    const { directory } = this.vault;
    const identifier = known(body.identifier, 'identifier', this.vault);
    const at = momentOf(body.at);
    // It tells whether the identifier leads to them.
    await this.limits.take(reader.principal, 'lookup');
    const [found, person] = [await directory.lookUp(identifier, at), await directory.person(subjectId)];
    const isTheirs = found !== null && person !== null && [subjectId, ...person.linked].includes(found.subjectId);
    await this.record('release', person === null ? null : subjectId, body.reason.trim(), reader, isTheirs);
    if (person === null) throw unknownSubject();
    // Who has it is looked at once more, under the lock.
    const released = isTheirs ? await settled(directory.releaseFor(subjectId, identifier, at)) : null;
    if (released === null) throw Problem.notFound('this identifier does not lead to that subject at that moment');
    await this.asOf(reply);
    return { entriesBehind: await activitiesFrom(this.readModels.sql.reader, released.subjectId, released.at) };
  }

  @Get('identity/conflicts')
  @ApiHeader(reasonHeader)
  @ApiOperation({
    summary: 'Subjects of whom an event spoke as one person, while nothing makes them one',
    description: 'Newest first. An officer links the two, or keeps them apart.',
  })
  @ApiResponse({ status: 200, schema: { $ref: '#/components/schemas/IdentityConflictAnswer' } })
  async conflicts(
    @Query() { status, limit, cursor }: ConflictsQuery,
    @Reason() reason: string,
    @From() reader: Caller,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<{ items: readonly ListedConflict[]; next: string | null; asOf: Freshness }> {
    const asOf = await this.asOf(reply);
    const { items, next } = await this.vault.directory.conflicts({
      limit,
      ...(status === undefined ? {} : { status }),
      ...(cursor === undefined ? {} : { before: decodeCursor(cursor, ['number'])[0] as number }),
    });
    await this.record('conflicts', null, reason, reader, items.length > 0);
    return { items, next: next === null ? null : encodeCursor([next]), asOf };
  }

  @Post('identity/links')
  @ApiOperation({
    summary: 'Find subjects to be one person',
    description: 'The first is tied to each other. Recorded in the chain of each, with the reason sealed.',
  })
  @ApiBody({ schema: { $ref: '#/components/schemas/LinkBody' } })
  @ApiResponse({ status: 201, schema: { $ref: '#/components/schemas/LinkAnswer' } })
  @ApiProblem(404, 'there is no such subject')
  @ApiProblem(409, '`code`: `contradicting_identifiers`, `kept_apart` (`override` links all the same), `already`')
  async link(@Body() body: LinkBody, @From() reader: Caller): Promise<LinkedOrApart> {
    const [subjectIds, reason] = [body.subjectIds.map((id) => id.toLowerCase()), body.reason.trim()];
    const { principal } = reader;
    const done = this.vault.directory.link(subjectIds, { override: body.override, reason, principal });
    return this.decided('link', subjectIds, done, reason, reader);
  }

  @Post('identity/separations')
  @ApiOperation({
    summary: 'Find two subjects not to be one person',
    description:
      'Linked or not. It takes the link between them away, and holds until somebody links them with `override`. Where it needs a second ' +
      'person the answer is 202; it is carried out when somebody else confirms it, as things stand then, and the confirmation says what ' +
      'came of it.',
  })
  @ApiBody({ schema: { $ref: '#/components/schemas/SeparationBody' } })
  @ApiResponse({ status: 201, schema: { $ref: '#/components/schemas/LinkAnswer' } })
  @ApiResponse({ status: 202, schema: { $ref: '#/components/schemas/ConfirmationAsked' } })
  @ApiProblem(404, 'there is no such subject')
  @ApiProblem(409, '`code`: `linked_through` (`through`: the subjects on the shortest way), `already`')
  async separate(
    @Body() body: SeparationBody,
    @From() reader: Caller,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<LinkedOrApart | { confirmationId: string }> {
    const [one, other] = body.subjectIds.map((id) => id.toLowerCase()) as [string, string];
    const reason = body.reason.trim();
    const done = this.separating.separate([one, other], { reason, reader });
    const decided = await this.decided('separation', [one, other], done, reason, reader);
    return 'confirmationId' in decided ? askedAnswer(decided, reply) : decided;
  }

  /**
   * What was decided is recorded by its own entries, with who and why; these are durable in the vault, and brought into the store at
   * once if it is there. A refusal tells something about people too: it is recorded as a look at each.
   */
  private async decided<Decided extends LinkedOrApart | Confirmation>(
    what: 'link' | 'separation',
    subjectIds: readonly string[],
    deciding: Promise<Decided>,
    reason: string,
    reader: Caller,
  ): Promise<Decided> {
    const decided = await deciding.catch(async (error: unknown) => {
      if (error instanceof IdentityConflict)
        for (const subjectId of subjectIds) {
          const isKnown = (await this.vault.directory.person(subjectId)) !== null;
          await this.record(what, isKnown ? subjectId : null, reason, reader, false);
        }
      throw problemOf(error);
    });
    await broughtIn(this.outboxes);
    return decided;
  }

  /** Asked before the answer is made: who is who is the vault's, which is never behind what the read models show. */
  private async asOf(reply: FastifyReply): Promise<Freshness> {
    const asOf = await this.readModels.freshAsOf('activity-timeline');
    stampPosition(reply, asOf);
    return asOf;
  }

  /** Recorded before anything is answered: what cannot be accounted for is not shown. */
  private async record(
    what: Consulted,
    subjectId: string | null,
    reason: string,
    reader: Caller,
    found = subjectId !== null,
  ): Promise<void> {
    await this.commands.execute(new RecordConsultation({ what, subjectId, found, reason, reader }));
  }
}

/** A time of a body in milliseconds; now when none is given. */
function momentOf(at: string | undefined): number | undefined {
  const text = instant('at', at);
  return text === undefined ? undefined : Date.parse(text);
}

async function settled<T>(deciding: Promise<T>): Promise<T> {
  try {
    return await deciding;
  } catch (error) {
    throw problemOf(error);
  }
}

/** What does not fit who is who, as HTTP has it. */
function problemOf(error: unknown): unknown {
  if (!(error instanceof IdentityConflict)) return error;
  const { code, message, through } = error;
  if (code === 'unknown_subject') return unknownSubject();
  if (code === 'erased_subject') return new Problem(410, 'erased', 'Erased', message, { code });
  const members = { code, ...(code === 'linked_through' ? { through } : {}) };
  return new Problem(409, code.replaceAll('_', '-'), 'Does not fit who is who', message, members);
}
