/**
 * The servers of one test run. They belong to Jest's main process: a spec's worker asks here over loopback, the first
 * one to ask for a server starts it, and everyone gets the same address. A run that asks for none starts none.
 *
 * Plain JavaScript, because Jest loads its set-up and its reporters without the transform that the specs go through;
 * tsx loads what is written in TypeScript, on first use.
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { tsImport } from 'tsx/esm/api';

const CURRENT = Symbol.for('sijill.test-servers');
const load = (path) => tsImport(path, import.meta.url);

/** How each server is started, under the name workers ask for. `address` is what they are told. */
const STARTERS = {
  Kafka: async () => {
    const server = await (await load('./kafka/start-kafka.ts')).startKafka();
    return { address: { brokers: server.brokers, source: server.source }, stop: server.stop };
  },
  PostgreSQL: async () => {
    const server = await (await load('./postgres/start-postgres.ts')).startPostgres();
    return { address: { url: server.url, source: server.source }, stop: server.stop };
  },
};

export class TestServers {
  /** Name to promise of a started server; a failed start stays in it, and fails everyone who asks in the same way. */
  #started = new Map();
  /** Name to one line for the summary. */
  #uses = new Map();
  #http = createServer((request, response) => void this.#answer(request, response));

  /** The instance of this run, for the reporter and the teardown; undefined before the set-up has run. */
  static get current() {
    return globalThis[CURRENT];
  }

  /** Begins to listen. Workers find the address in TEST_SERVERS, which they inherit. */
  async open() {
    globalThis[CURRENT] = this;
    this.#http.listen(0, '127.0.0.1');
    await once(this.#http, 'listening');
    process.env.TEST_SERVERS = `http://127.0.0.1:${this.#http.address().port}`;
  }

  /** Stops every server that was started. */
  async close() {
    this.#http.close();
    this.#http.closeAllConnections();
    const started = await Promise.allSettled(this.#started.values());
    await Promise.all(started.map(({ value }) => value?.stop()));
  }

  /** Lines such as `Kafka: java, ready in 3.1 s`. */
  uses() {
    return [...this.#uses].map(([name, use]) => `${name}: ${use}`);
  }

  /** `POST /start/Kafka` gives its address; `POST /note/EventStoreDB` with a text only puts a line into the summary. */
  async #answer(request, response) {
    const [, verb, name] = new URL(request.url, 'http://desk').pathname.split('/');
    try {
      if (verb === 'note') {
        const chunks = await request.toArray();
        this.#uses.set(decodeURIComponent(name), Buffer.concat(chunks).toString());
        return reply(response, 200, {});
      }
      if (!(name in STARTERS)) return reply(response, 400, { message: `no such server: ${name}` });
      if (!this.#started.has(name)) this.#started.set(name, this.#start(name));
      reply(response, 200, (await this.#started.get(name)).address);
    } catch (error) {
      const missing = error.name === 'ServerNotFound';
      reply(response, missing ? 404 : 500, { message: error.message, tried: error.tried });
    }
  }

  async #start(name) {
    const begun = Date.now();
    try {
      const server = await STARTERS[name]();
      this.#uses.set(name, `${server.address.source}, ready in ${((Date.now() - begun) / 1000).toFixed(1)} s`);
      return server;
    } catch (error) {
      this.#uses.set(name, error.name === 'ServerNotFound' ? `none (${error.tried.join('; ')})` : 'did not start');
      throw error;
    }
  }
}

function reply(response, status, body) {
  // A connection that is kept may be closed just when a worker uses it again.
  response.writeHead(status, { 'content-type': 'application/json', connection: 'close' });
  response.end(JSON.stringify(body));
}
