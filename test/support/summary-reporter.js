import { writeSync } from 'node:fs';
import { TestServers } from './test-servers.js';

const STDOUT = 1;

/**
 * Ends the run's output with one line a script can read: `tests: N passed, N failed, N skipped`. Before it: which
 * servers the specs ran against, and the name of every test that did not run.
 */
export default class SummaryReporter {
  #filtered;

  constructor(globalConfig) {
    // With `-t` whatever does not match counts as skipped; a list of it would bury the rest.
    this.#filtered = Boolean(globalConfig.testNamePattern);
  }

  /** Called once, after every suite. */
  onRunComplete(_contexts, results) {
    const lines = TestServers.current?.uses() ?? [];
    if (!this.#filtered) lines.push(...skippedTests(results).map((name) => `skipped: ${name}`));
    lines.push(totals(results));
    // At the very end of the process: Jest appends its own summary after every other reporter has spoken.
    process.once('exit', () => writeSync(STDOUT, `\n${lines.join('\n')}\n`));
  }
}

function skippedTests(results) {
  return results.testResults.flatMap((suite) =>
    suite.testResults.filter(({ status }) => status === 'pending' || status === 'todo').map(({ fullName }) => fullName),
  );
}

/** A suite that could not run at all has no tests to count, so it counts as one failure. */
function totals(results) {
  const failed = results.numFailedTests + results.numRuntimeErrorTestSuites;
  const skipped = results.numPendingTests + results.numTodoTests;
  return `tests: ${results.numPassedTests} passed, ${failed} failed, ${skipped} skipped`;
}
