import { createHash } from 'node:crypto';
import type { handleUnaryCall } from '@grpc/grpc-js';
import type { Endpoint, FaultBoard, Member } from './faults.js';
import { gossip, structuredUuid, type EmptyRequest } from './wire.js';

const STATES = { Unknown: 1, CatchingUp: 4, Follower: 6, Leader: 8, ReadOnlyReplica: 14 } as const;

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
  const member = new gossip.MemberInfo();
  member.setInstanceId(structuredUuid(instanceId(address, port)));
  member.setTimeStamp(String(BigInt(Date.now()) * 10_000n));
  member.setState(STATES[state]);
  member.setIsAlive(isAlive);
  member.setHttpEndPoint(endpoint);
  return member;
}

/** A node's UUID: the same for as long as it is at its address. */
function instanceId(address: string, port: number): string {
  const hex = createHash('sha256').update(`${address}:${port}`).digest('hex');
  return hex.replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12}).*$/, '$1-$2-5$3-8$4-$5');
}
