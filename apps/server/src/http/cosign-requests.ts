import type { FastifyInstance } from 'fastify';

/** A checkpoint with a hundred signatures and the longest proof has less. */
const LONGEST = 64 * 1024;

/** Requests to cosign are short texts. Those who send them say so, or something else, or nothing: the protocol does not ask. */
export function readCosignRequests(fastify: FastifyInstance): void {
  fastify.addHook('onRequest', (request, _, done) => {
    if (request.method === 'POST' && request.routeOptions.url === '/witness/add-checkpoint')
      request.headers['content-type'] = 'text/plain';
    done();
  });
  fastify.removeContentTypeParser('text/plain');
  fastify.addContentTypeParser('text/plain', { parseAs: 'string', bodyLimit: LONGEST }, (_, body, done) =>
    done(null, body),
  );
}
