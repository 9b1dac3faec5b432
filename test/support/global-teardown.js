import { TestServers } from './test-servers.js';

/** Stops the servers that specs asked for. */
export default async function tearDown() {
  await TestServers.current?.close();
}
