import {
  ResponderBuilder,
  ServerInterceptingCall,
  ServerListenerBuilder,
  type Metadata,
  type ServerInterceptor,
  type ServiceError,
} from '@grpc/grpc-js';
import type { Access } from './access.js';
import type { CallBook } from './call-book.js';
import type { FaultBoard } from './faults.js';
import { notLeader } from './leadership.js';
import { failure } from './wire.js';

const WRITES = ['Append', 'BatchAppend', 'Delete', 'Tombstone'];
/** Answered to everybody by every node. */
const OPEN = ['/event_store.client.server_features.ServerFeatures/', '/event_store.client.gossip.Gossip/'];

/** What every call passes before it is served: it is written down, and refused when it must not begin at all. */
export function gate(access: Access, faults: FaultBoard, book: CallBook): ServerInterceptor {
  return ({ path }, call) => {
    const method = path.slice(path.lastIndexOf('/') + 1);
    const listener = new ServerListenerBuilder()
      .withOnReceiveMetadata((headers, pass) => {
        book.call({ method, headers: headers.getMap() as Record<string, string> });
        const refusal = refused(
          headers,
          method,
          OPEN.some((prefix) => path.startsWith(prefix)),
        );
        if (refusal === undefined) return pass(headers);
        call.sendStatus({ code: refusal.code, details: refusal.details, metadata: refusal.metadata });
      })
      .build();
    return new ServerInterceptingCall(call, new ResponderBuilder().withStart((next) => next(listener)).build());
  };

  function refused(headers: Metadata, method: string, isOpen: boolean): ServiceError | undefined {
    if (faults.refuse !== undefined) return failure(faults.refuse, 'Server Is Not Ready');
    if (isOpen) return undefined;
    const elsewhere = notLeader(faults, headers, WRITES.includes(method));
    if (elsewhere !== undefined) return elsewhere;
    return access.authenticationFailure(headers);
  }
}
