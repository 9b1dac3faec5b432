import type { handleUnaryCall } from '@grpc/grpc-js';
import type { Endpoint, FaultBoard, Member } from './faults.js';
import { gossip, shared, type EmptyRequest } from './wire.js';

const STATES = { CatchingUp: 4, Follower: 6, Leader: 8, ReadOnlyReplica: 14 } as const;

/** Tells of the cluster: of itself alone, unless a test says otherwise. */
export function tellMembers(
  faults: FaultBoard,
  itself: () => Endpoint,
): handleUnaryCall<EmptyRequest, InstanceType<typeof gossip.ClusterInfo>> {
  return (_, callback) => {
    const alone: Member = { ...itself(), state: 'Leader', isAlive: true };
    const answer = new gossip.ClusterInfo();
    answer.setMembersList((faults.members ?? [alone]).map(memberInfo));
    callback(null, answer);
  };
}

function memberInfo({ address, port, state, isAlive }: Member): InstanceType<typeof gossip.MemberInfo> {
  const endpoint = new gossip.EndPoint();
  endpoint.setAddress(address);
  endpoint.setPort(port);
  const structured = new shared.UUID.Structured();
  structured.setMostSignificantBits('1');
  structured.setLeastSignificantBits(String(port));
  const instance = new shared.UUID();
  instance.setStructured(structured);
  const member = new gossip.MemberInfo();
  member.setInstanceId(instance);
  member.setTimeStamp(String(BigInt(Date.now()) * 10_000n));
  member.setState(STATES[state]);
  member.setIsAlive(isAlive);
  member.setHttpEndPoint(endpoint);
  return member;
}
