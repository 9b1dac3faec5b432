import type { Socket } from 'node:net';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Problem, PROBLEM_TYPE, problemBody } from './problem.js';

/** Requests that never reach a route. The framework's own answers to them have another form, and quote the address. */
export function answerFrameworkError(error: { code?: string }, _: FastifyRequest, reply: FastifyReply): void {
  const problem =
    error.code === 'FST_ERR_MAX_PARAM_LENGTH'
      ? Problem.notFound('there is nothing at this address; /openapi.json lists what there is')
      : new Problem(
          400,
          'invalid-request',
          'Invalid request',
          'the address cannot be read; check its percent-encoding',
        );
  sendProblem(reply, problem);
}

export function sendProblem(reply: FastifyReply, problem: Problem): void {
  void reply
    .status(problem.status)
    .headers(problem.headers)
    .header('content-type', PROBLEM_TYPE)
    .send(JSON.stringify(problemBody(problem)));
}

/** What is no HTTP, or has headers past all measure: there is no request yet, only a socket. */
export function answerClientError(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed || !socket.writable) {
    socket.destroy();
    return;
  }
  const problem =
    error.code === 'HPE_HEADER_OVERFLOW'
      ? new Problem(431, 'headers-too-large', 'Header fields too large', 'the headers may hold 16 KiB together')
      : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? new Problem(408, 'request-timeout', 'Request timed out', 'the request was not whole in time; send it again')
        : new Problem(400, 'invalid-request', 'Invalid request', 'this is no HTTP/1.1 request that can be read');
  const body = JSON.stringify(problemBody(problem));
  socket.end(
    `HTTP/1.1 ${problem.status} ${problem.title}\r\nContent-Type: ${PROBLEM_TYPE}\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}
