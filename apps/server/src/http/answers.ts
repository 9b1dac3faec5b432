import type { FastifyReply } from 'fastify';
import type { AsOf } from '@sijill/contracts';

/** Tells readers in a header, too, how far the answer reaches. */
export function stampPosition(reply: FastifyReply, asOf: AsOf | { position: number }): void {
  void reply.header('sijill-position', String(asOf.position));
}

const strictUtf8 = new TextDecoder('utf-8', { fatal: true });

/** A header as text. The protocol hands bytes over as Latin-1; senders mean UTF-8 (an Arabic reason), so that is tried first. */
export function headerText(value: string | string[] | undefined): string | undefined {
  if (typeof value !== 'string') return undefined;
  try {
    return strictUtf8.decode(Buffer.from(value, 'latin1')).trim();
  } catch {
    return value.trim();
  }
}
