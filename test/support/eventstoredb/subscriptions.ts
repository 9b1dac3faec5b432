import type { ServiceError } from '@grpc/grpc-js';
import type { FaultBoard } from './faults.js';
import { LogSubscription } from './log-subscription.js';
import { send, type ReadCall } from './read-call.js';
import { StreamSubscription } from './stream-subscription.js';
import { confirmation } from './subscription-messages.js';
import { LIVE_BUFFER, type SourceOf, type SubscriptionOptions } from './subscription-source.js';
import { code, failure } from './wire.js';

interface Server extends SourceOf {
  readonly faults: FaultBoard;
  /** Why the caller may not read this, as things stand. */
  readonly denial: () => ServiceError | undefined;
}

/**
 * Serves one subscription until the client leaves: the confirmation, what is there in pages, "caught up", and what comes.
 *
 * A client that reads slowly makes it wait. Releases since 24.2 then go back to pages and say "caught up" again; older ones
 * hang up.
 */
export async function subscribe(call: ReadCall, options: SubscriptionOptions, server: Server): Promise<void> {
  const { log, faults, behaviour, denial } = server;
  const source = options.hasAll() ? new LogSubscription(options, server) : new StreamSubscription(options, server);
  let dropped: ServiceError | 'end' | undefined;
  let rights = log.rightsVersion;
  let isBlocked = false;
  let wake = () => undefined as void;
  const appended = () => {
    if (behaviour.dropsSlowReaders && isBlocked && source.isLive && source.behind() > LIVE_BUFFER)
      dropped ??= tooSlow();
    if (behaviour.rechecksSubscriptions && rights !== log.rightsVersion) dropped ??= denial();
    rights = log.rightsVersion;
    wake();
  };
  const unregister = faults.subscribed((how) => {
    dropped = how === 'end' ? how : failure(how, DROPPED[how] ?? 'the stand-in dropped the subscription');
    wake();
  });
  log.on('appended', appended);
  call.on('cancelled', appended);
  try {
    await send(call, confirmation());
    while (!call.cancelled) {
      if (dropped === 'end') return;
      if (dropped !== undefined) throw dropped;
      const messages = faults.muteSubscriptions ? [] : source.next();
      for (const message of messages) {
        if (dropped !== undefined) break;
        isBlocked = true;
        if (!(await send(call, message))) return;
        isBlocked = false;
      }
      if (messages.length === 0) await new Promise<void>((resolve) => (wake = resolve));
    }
  } finally {
    unregister();
    log.off('appended', appended);
  }
}

/** What a client reads in the error when a node is told to end. */
const DROPPED: Partial<Record<code, string>> = { [code.INTERNAL]: 'Received RST_STREAM with code 0' };

function tooSlow(): ServiceError {
  const why = 'Consumer too slow to handle event while live. Client resubscription required.';
  return failure(code.ABORTED, `Operation timed out: ${why}`);
}
