import { ServerNotFound } from './server-not-found.js';

/**
 * The address of this run's Kafka or PostgreSQL, which is started if nobody asked before.
 *
 * @returns ServerNotFound, as a value, when this machine has no way to get one
 * @throws when there is one and it does not start
 */
export async function sharedServer<Address>(name: 'Kafka' | 'PostgreSQL'): Promise<Address | ServerNotFound> {
  const answer = await fetch(`${desk()}/start/${name}`, { method: 'POST' });
  if (answer.ok) return (await answer.json()) as Address;
  const { message, tried } = (await answer.json()) as { message: string; tried?: string[] };
  if (answer.status === 404) return new ServerNotFound(name, tried ?? []);
  throw new Error(`${name} for the tests: ${message}`);
}

/** Adds a line to the summary at the end of the run, such as `EventStoreDB: docker`. */
export async function noteServer(name: string, use: string): Promise<void> {
  await fetch(`${desk()}/note/${encodeURIComponent(name)}`, { method: 'POST', body: use });
}

function desk(): string {
  const address = process.env['TEST_SERVERS'];
  if (address === undefined)
    throw new Error('TEST_SERVERS is not set: run the specs with the jest.config.js of this project');
  return address;
}
