/**
 * Asks the server in this container how it is: exit code 0 for yes, 1 for no or no answer.
 * The image has no curl, and needs none. Argument: the path to ask, `/health/live` by default.
 */
const path = process.argv[2] ?? '/health/live';
const port = process.env.SIJILL_HTTP_PORT || '8480';

const healthy = await fetch(`http://127.0.0.1:${port}${path}`, { signal: AbortSignal.timeout(4_000) }).then(
  (answer) => answer.ok,
  () => false,
);
process.exit(healthy ? 0 : 1);
