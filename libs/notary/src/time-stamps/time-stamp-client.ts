import { takeRandom } from '@sijill/platform';
import { NoAnswer, post } from '../post.js';
import { assertStamped, formatStampRequest, NotStamped } from './time-stamp.js';

/**
 * Has a time stamp authority stamp a text. RFC 3161, over HTTP as its section 3.4 says.
 *
 * @returns its answer, a TimeStampResp in DER, checked
 * @throws NotStamped
 */
export async function askForTimeStamp(url: string, text: string, signal: AbortSignal): Promise<Uint8Array> {
  const request = { text, nonce: newNonce() };
  const { status, body } = await post(url, 'application/timestamp-query', formatStampRequest(request), signal).catch(
    (error: unknown) => {
      throw error instanceof NoAnswer ? new NotStamped(error.message) : error;
    },
  );
  if (status !== 200) throw new NotStamped(`answered ${status}`);
  await assertStamped(body, request);
  return body;
}

function newNonce(): Uint8Array<ArrayBuffer> {
  const nonce = new Uint8Array(takeRandom(16));
  nonce[0] = (nonce[0]! & 0x3f) | 0x40;
  return nonce;
}
