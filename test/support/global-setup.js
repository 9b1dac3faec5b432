import { TestServers } from './test-servers.js';

/** Opens the desk at which specs ask for servers; starts no server itself. */
export default async function setUp() {
  await new TestServers().open();
}
