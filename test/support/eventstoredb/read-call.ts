import type { ServerWritableStream } from '@grpc/grpc-js';
import type { ReadReq, ReadResp } from './wire.js';

/** One read or subscription that a client has open. */
export type ReadCall = ServerWritableStream<ReadReq, ReadResp>;

/** Writes one message; false when the client has gone. Waits while the client does not read. */
export async function send(call: ReadCall, response: ReadResp): Promise<boolean> {
  if (call.cancelled || call.destroyed) return false;
  if (call.write(response)) return true;
  await new Promise<void>((resolve) => {
    const go = () => {
      call.off('drain', go);
      call.off('cancelled', go);
      resolve();
    };
    call.on('drain', go);
    call.on('cancelled', go);
  });
  return !call.cancelled;
}
