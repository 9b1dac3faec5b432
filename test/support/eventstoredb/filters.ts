import type { Recorded } from './log-file.js';
import { code, failure, type ReadReq } from './wire.js';

type Options = NonNullable<ReturnType<ReadReq['getOptions']>>;
export type FilterOptions = NonNullable<ReturnType<Options['getFilter']>>;

/**
 * Which records a subscription to the log wants. The server's regular expressions are those of .NET; for the plain ones in
 * use the difference does not show.
 */
export function passes(filter: FilterOptions): (record: Recorded) => boolean {
  if (filter.getCheckpointintervalmultiplier() < 1)
    throw failure(code.INVALID_ARGUMENT, 'checkpoint interval must be greater than 0');
  const expression = filter.getStreamIdentifier() ?? filter.getEventType();
  const field = filter.hasStreamIdentifier() ? 'stream' : 'type';
  const regex = expression?.getRegex() ? new RegExp(expression.getRegex()) : undefined;
  const prefixes = expression?.getPrefixList() ?? [];
  return (record) => (regex ? regex.test(record[field]) : prefixes.some((prefix) => record[field].startsWith(prefix)));
}
