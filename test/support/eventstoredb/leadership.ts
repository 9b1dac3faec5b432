import type { Metadata, ServiceError } from '@grpc/grpc-js';
import type { Faults } from './faults.js';
import { code, failure } from './wire.js';

/** Why a node that does not lead refuses this, if it does: because it was asked for the leader, or cannot forward a write. */
export function notLeader(faults: Faults, headers: Metadata, isWrite: boolean): ServiceError | undefined {
  const { leader, isReplica } = faults;
  const isForLeader = headers.get('requires-leader')[0] === 'true' || (isReplica && isWrite);
  if (leader === undefined || !isForLeader) return undefined;
  if (leader === 'nobody') return failure(code.UNKNOWN, 'No leader info available in response');
  return failure(code.NOT_FOUND, 'Leader info available', {
    exception: 'not-leader',
    'leader-endpoint-host': leader.address,
    'leader-endpoint-port': String(leader.port),
  });
}
