import type { FastifyInstance } from 'fastify';
import type { Metrics } from '@sijill/platform';
import { sendProblem } from './framework-errors.js';
import { Problem } from './problem.js';

/**
 * Bounds the bytes of events in hand, before any of a body is read.
 *
 * What senders offer beyond what the store takes would else pile up in memory, each body many times its size once it is parsed.
 * Refused, they wait and send it again: 503 with Retry-After. One body is always taken, whatever the budget.
 */
export function admitEvents(
  fastify: FastifyInstance,
  { pendingBytes, bodyBytes }: { readonly pendingBytes: number; readonly bodyBytes: number },
  metrics: Metrics,
): void {
  let pending = 0;
  fastify.addHook('onRequest', (request, reply, done) => {
    if (request.method !== 'POST' || request.routeOptions.url !== '/v1/events') return done();
    // Sent in chunks, its length is not known before its end.
    const bytes = Number(request.headers['content-length'] ?? bodyBytes);
    if (pending > 0 && pending + bytes > pendingBytes) {
      sendProblem(reply, Problem.busy());
      return;
    }
    pending += bytes;
    metrics.pendingBytes.set(pending);
    reply.raw.once('close', () => {
      pending -= bytes;
      metrics.pendingBytes.set(pending);
    });
    done();
  });
}
