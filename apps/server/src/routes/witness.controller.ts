import { Body, Controller, Get, Header, HttpCode, Inject, Post, Res } from '@nestjs/common';
import { ApiBody, ApiConsumes, ApiOperation, ApiProduces, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { Witness, verifierKeyText } from '@sijill/notary';
import { CosigningRefused, type RefusalReason } from '@sijill/transparency';
import { Public } from '../access/route-policy.js';

const STATUS: Readonly<Record<RefusalReason, number>> = {
  malformed: 400,
  unsigned: 403,
  'unknown log': 404,
  'other size': 409,
  'other root': 409,
  inconsistent: 422,
};

/** This server as a witness of other logs. C2SP tlog-witness. */
@ApiTags('witness')
@Controller('witness')
export class WitnessController {
  constructor(@Inject(Witness) private readonly witness: Witness) {}

  @Get('vkey')
  @Public()
  @Header('content-type', 'text/plain; charset=utf-8')
  @ApiOperation({ summary: 'The key that cosignatures of this witness are verified with' })
  @ApiProduces('text/plain')
  @ApiResponse({ status: 200, schema: { type: 'string' } })
  vkey(): string {
    return verifierKeyText([this.witness.key]);
  }

  /** Who asks is known by the signature of its log; answers are the protocol's, not problem documents. */
  @Post('add-checkpoint')
  @HttpCode(200)
  @Public()
  @ApiOperation({
    summary: 'Cosign a checkpoint that has grown from the one that was cosigned before (C2SP tlog-witness)',
  })
  @ApiConsumes('text/plain')
  @ApiProduces('text/plain')
  @ApiBody({ schema: { type: 'string' } })
  @ApiResponse({ status: 200, schema: { type: 'string' } })
  @ApiResponse({
    status: 409,
    description: 'another size was cosigned last; the body says which',
    schema: { type: 'string' },
  })
  async addCheckpoint(@Body() body: unknown, @Res({ passthrough: true }) reply: FastifyReply): Promise<string> {
    void reply.header('content-type', 'text/plain; charset=utf-8');
    try {
      return await this.witness.addCheckpoint(typeof body === 'string' ? body : '');
    } catch (error) {
      if (!(error instanceof CosigningRefused)) throw error;
      void reply.status(STATUS[error.reason]);
      if (error.lastSize === null) return `${error.message}\n`;
      void reply.header('content-type', 'text/x.tlog.size');
      return `${error.lastSize}\n`;
    }
  }
}
