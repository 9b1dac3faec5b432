import { streams, type ReadResp } from './wire.js';

/** What a subscription says beside events. */
export function confirmation(): ReadResp {
  const message = new streams.ReadResp.SubscriptionConfirmation();
  message.setSubscriptionId(crypto.randomUUID());
  const response = new streams.ReadResp();
  response.setConfirmation(message);
  return response;
}

export function caughtUp(): ReadResp {
  const response = new streams.ReadResp();
  response.setCaughtUp(new streams.ReadResp.CaughtUp());
  return response;
}

export function checkpoint(position: string): ReadResp {
  const message = new streams.ReadResp.Checkpoint();
  message.setCommitPosition(position);
  message.setPreparePosition(position);
  const response = new streams.ReadResp();
  response.setCheckpoint(message);
  return response;
}
