import { readFile } from 'node:fs/promises';
import { Controller, Get, Header, Inject, Param, Query, Res } from '@nestjs/common';
import { ApiOperation, ApiProduces, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { verifierKeyText } from '@sijill/notary';
import {
  FormatInvalid,
  formatKeyChain,
  formatLosses,
  formatReceiptKeys,
  HASH_BYTES,
  parseTilePath,
  tileWidth,
} from '@sijill/transparency';
import { Public } from '../access/route-policy.js';
import { Problem } from '../http/problem.js';
import { TRANSPARENCY_LOG, type TransparencyLog } from '../transparency-log.js';
import { StampedQuery } from './requests.js';

const TEXT = 'text/plain; charset=utf-8';
/** Where the build has put it, seen from where the build has put this. */
const VERIFIER = new URL('../../../../verifier/sijill-verifier.html', import.meta.url);

/** The public face of the log: what anybody may read, cache and copy. C2SP tlog-tiles. */
@ApiTags('log')
@Controller('log')
export class LogController {
  constructor(@Inject(TRANSPARENCY_LOG) private readonly log: TransparencyLog) {}

  @Get('checkpoint')
  @Public()
  @Header('content-type', TEXT)
  @Header('cache-control', 'public, max-age=1')
  @Header('access-control-allow-origin', '*')
  @ApiOperation({ summary: 'The last checkpoint: how many entries there are, the root over them, signed' })
  @ApiProduces('text/plain')
  @ApiResponse({ status: 200, schema: { type: 'string' } })
  async checkpoint(): Promise<string> {
    const checkpoint = await this.log.published();
    if (checkpoint === null)
      throw Problem.notFound('nothing was signed yet; the first entry brings the first checkpoint');
    return checkpoint.note;
  }

  @Get('vkey')
  @Public()
  @Header('content-type', TEXT)
  @Header('cache-control', 'public, max-age=60')
  @Header('access-control-allow-origin', '*')
  @ApiOperation({ summary: 'The keys that the last checkpoint is signed with, one a line' })
  @ApiProduces('text/plain')
  @ApiResponse({ status: 200, schema: { type: 'string' } })
  async vkey(): Promise<string> {
    const keys = await this.log.keys.published();
    if (keys.length === 0) throw Problem.notFound('the log has no key yet; its notary announces one when it starts');
    return verifierKeyText(keys);
  }

  @Get('keys')
  @Public()
  @Header('content-type', 'application/json; charset=utf-8')
  @Header('cache-control', 'public, max-age=1')
  @Header('access-control-allow-origin', '*')
  @ApiOperation({
    summary: 'How the keys were changed: what the log has announced, with proofs, for "sijill verify keys"',
  })
  @ApiResponse({ status: 200, schema: { type: 'object', additionalProperties: true } })
  async keys(): Promise<string> {
    return formatKeyChain(await this.log.keys.chain());
  }

  @Get('receipt-keys')
  @Public()
  @Header('content-type', 'application/json; charset=utf-8')
  @Header('cache-control', 'public, max-age=1')
  @Header('access-control-allow-origin', '*')
  @ApiOperation({
    summary:
      'The keys that receipts are signed with: what the log has announced, with proofs, for "sijill verify receipt"',
  })
  @ApiResponse({ status: 200, schema: { type: 'object', additionalProperties: true } })
  async receiptKeys(): Promise<string> {
    return formatReceiptKeys(await this.log.receipts.keys.announced());
  }

  @Get('losses')
  @Public()
  @Header('content-type', 'application/json; charset=utf-8')
  @Header('cache-control', 'public, max-age=1')
  @Header('access-control-allow-origin', '*')
  @ApiOperation({
    summary:
      'What the ledger has lost of its entries and put on record, with proofs, for "sijill monitor" and "sijill verify"',
  })
  @ApiResponse({ status: 200, schema: { type: 'object', additionalProperties: true } })
  async losses(): Promise<string> {
    return formatLosses(await this.log.losses());
  }

  @Get('verifier')
  @Public()
  @ApiOperation({ summary: 'The verifier as one page: it opens proofs and accountings, and makes no connection' })
  @ApiProduces('text/html')
  @ApiResponse({ status: 200, schema: { type: 'string' } })
  async verifier(@Res() reply: FastifyReply): Promise<void> {
    let page: Buffer;
    try {
      page = await readFile(VERIFIER);
    } catch {
      throw Problem.notFound('this server was built without the verifier; npm run build:verifier makes it');
    }
    // What the page forbids itself, and that nobody may show it inside another.
    void reply
      .header('content-type', 'text/html; charset=utf-8')
      .header('cache-control', 'public, max-age=3600')
      .header('content-security-policy', "frame-ancestors 'none'")
      .header('x-content-type-options', 'nosniff')
      .send(page);
  }

  @Get('stamped')
  @Public()
  @Header('content-type', TEXT)
  @Header('cache-control', 'public, max-age=1')
  @Header('access-control-allow-origin', '*')
  @ApiOperation({
    summary: 'The last checkpoint that has a time stamp; with an index, the first that covers the leaf there',
  })
  @ApiProduces('text/plain')
  @ApiResponse({ status: 200, schema: { type: 'string' } })
  async stamped(@Query() { index }: StampedQuery): Promise<string> {
    const { store } = this.log;
    const stamped = index === undefined ? await store.lastStamped() : await store.firstStamped(index + 1);
    if (stamped === null)
      throw Problem.notFound(`no checkpoint ${index === undefined ? '' : 'of that leaf '}has a time stamp yet`);
    return stamped.note;
  }

  @Get('stamped/:file')
  @Public()
  @Header('access-control-allow-origin', '*')
  @ApiOperation({
    summary: "A stamped checkpoint's time stamp, by its number of leaves: stamped/<size>.tsr (RFC 3161)",
  })
  @ApiProduces('application/timestamp-reply')
  @ApiResponse({ status: 200, schema: { type: 'string', format: 'binary' } })
  async timeStamp(@Param('file') file: string, @Res() reply: FastifyReply): Promise<void> {
    const size = /^(0|[1-9]\d{0,15})\.tsr$/.exec(file)?.[1];
    const stamped = size === undefined ? null : await this.log.store.firstStamped(Number(size));
    if (stamped === null || String(stamped.size) !== size)
      throw Problem.notFound('no checkpoint of so many leaves has a time stamp; /log/stamped gives one that has');
    void reply
      .header('content-type', 'application/timestamp-reply')
      .header('cache-control', 'public, max-age=31536000, immutable')
      .send(Buffer.from(stamped.answer));
  }

  @Get('tile/*')
  @Public()
  @Header('access-control-allow-origin', '*')
  @ApiOperation({
    summary: 'Hashes of the tree, 256 a tile: tile/<level>/<index>, with .p/<width> where it is not full',
  })
  @ApiProduces('application/octet-stream')
  @ApiResponse({ status: 200, schema: { type: 'string', format: 'binary' } })
  async tile(@Param('*') path: string, @Res() reply: FastifyReply): Promise<void> {
    const { level, index, width } = placeOf(`tile/${path}`);
    const [hashes] = await this.log.store.tiles([{ level, index }]);
    const { size } = await this.log.store.head();
    const isThere = tileWidth({ level, index }, BigInt(size)) >= width;
    sendTile(reply, isThere ? hashes : null, width);
  }

  @Get('former/:losses/tile/*')
  @Public()
  @Header('access-control-allow-origin', '*')
  @ApiOperation({
    summary: 'The same, of the log as it was before a loss: former/0 is what it was when nothing had been lost yet',
  })
  @ApiProduces('application/octet-stream')
  @ApiResponse({ status: 200, schema: { type: 'string', format: 'binary' } })
  async formerTile(
    @Param('losses') losses: string,
    @Param('*') path: string,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const { level, index, width } = placeOf(`tile/${path}`);
    const before = /^(0|[1-9]\d{0,5})$/.test(losses) ? Number(losses) : -1;
    const [hashes] = await this.log.store.formerTiles(before, [{ level, index }]);
    sendTile(reply, hashes, width);
  }
}

function sendTile(reply: FastifyReply, hashes: Uint8Array | null | undefined, width: number): void {
  const size = width * HASH_BYTES;
  if ((hashes?.length ?? 0) < size) throw Problem.notFound('the log has no such tile, or it is not that wide yet');
  void reply
    .header('content-type', 'application/octet-stream')
    .header('cache-control', 'public, max-age=31536000, immutable')
    .send(Buffer.from(hashes!.subarray(0, size)));
}

function placeOf(path: string): ReturnType<typeof parseTilePath> {
  try {
    return parseTilePath(path);
  } catch (error) {
    if (error instanceof FormatInvalid) throw Problem.notFound('no tile has this address; see C2SP tlog-tiles');
    throw error;
  }
}
