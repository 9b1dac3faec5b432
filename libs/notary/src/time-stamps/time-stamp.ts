import { fromBER, Integer, OctetString } from 'asn1js';
import {
  AlgorithmIdentifier,
  id_ContentType_SignedData,
  id_eContentType_TSTInfo,
  id_sha256,
  MessageImprint,
  PKIStatus,
  SignedData,
  TimeStampReq,
  TimeStampResp,
  TSTInfo,
} from 'pkijs';
import { sameBytes, sha256, utf8 } from '@sijill/transparency';

/** There is no time stamp. The message says why, without what the authority itself has written. */
export class NotStamped extends Error {
  override readonly name = 'NotStamped';
}

/** What a time stamp authority is asked. */
export interface StampRequest {
  /** What shall be stamped; its SHA-256 alone is sent. */
  readonly text: string;
  /** Random, so that no answer to anything else will do. A positive integer in DER: the first byte from 0x01 to 0x7f. */
  readonly nonce: Uint8Array<ArrayBuffer>;
}

/** @returns a TimeStampReq in DER. RFC 3161, section 2.4.1 */
export function formatStampRequest({ text, nonce }: StampRequest): Uint8Array<ArrayBuffer> {
  const request = new TimeStampReq({
    version: 1,
    messageImprint: new MessageImprint({
      hashAlgorithm: new AlgorithmIdentifier({ algorithmId: id_sha256 }),
      hashedMessage: new OctetString({ valueHex: sha256(utf8(text)) }),
    }),
    nonce: new Integer({ valueHex: nonce }),
    certReq: true,
  });
  return new Uint8Array(request.toSchema().toBER());
}

/**
 * Checks that an answer holds a time stamp: the authority grants it, it is of this text and for this request, and it is signed with
 * the certificate that comes with it. Who trusts that certificate is for each to say who is shown the time stamp.
 *
 * @param answer a TimeStampResp in DER. RFC 3161, section 2.4.2
 * @throws NotStamped
 */
export async function assertStamped(answer: Uint8Array, { text, nonce }: StampRequest): Promise<void> {
  const signed = read('no answer of a time stamp authority', () => {
    const { status, timeStampToken } = new TimeStampResp({ schema: decoded(answer) });
    if (!GRANTED.includes(status.status)) throw new NotStamped(refusal(status.failInfo?.valueBlock.valueHexView));
    if (timeStampToken?.contentType !== id_ContentType_SignedData)
      throw new NotStamped('answered without a time stamp');
    return new SignedData({ schema: timeStampToken.content });
  });
  const stamp = read('what is no time stamp', () => {
    const { eContentType, eContent } = signed.encapContentInfo;
    if (eContentType !== id_eContentType_TSTInfo || eContent === undefined)
      throw new NotStamped('answered with something else than a time stamp');
    return new TSTInfo({ schema: decoded(new Uint8Array(eContent.getValue())) });
  });
  const { hashAlgorithm, hashedMessage } = stamp.messageImprint;
  if (hashAlgorithm.algorithmId !== id_sha256 || !sameBytes(hashedMessage.valueBlock.valueHexView, sha256(utf8(text))))
    throw new NotStamped('answered with a time stamp of something else');
  if (stamp.nonce === undefined || !sameBytes(stamp.nonce.valueBlock.valueHexView, nonce))
    throw new NotStamped('answered with a time stamp that was made for another request');
  const holds =
    signed.signerInfos.length === 1 &&
    (await signed.verify({ signer: 0, data: new Uint8Array(utf8(text)).buffer }).catch(() => false));
  if (!holds) throw new NotStamped('answered with a time stamp whose signature does not hold with its certificate');
}

const GRANTED = [PKIStatus.granted, PKIStatus.grantedWithMods];

/** PKIFailureInfo, by its bits. RFC 3161, section 2.4.2 */
const WHY: Readonly<Record<number, string>> = {
  0: 'it does not take SHA-256',
  2: 'it does not take such requests',
  5: 'it could not read the request',
  14: 'its clock is not available',
  15: 'it does not take the policy',
  16: 'it does not take the extension',
  17: 'it has not what was asked for',
  25: 'it has failed itself',
};

function refusal(failures: Uint8Array = new Uint8Array()): string {
  const why = Object.entries(WHY).find(([bit]) => ((failures[+bit >> 3] ?? 0) >> (7 - (+bit & 7))) & 1);
  return `refuses to stamp${why === undefined ? '' : `: ${why[1]}`}`;
}

function decoded(bytes: Uint8Array): ReturnType<typeof fromBER>['result'] {
  const { offset, result } = fromBER(bytes);
  if (offset !== bytes.length) throw new Error('the bytes are not one ASN.1 value');
  return result;
}

/** The library says in many ways that bytes are not what they should be. */
function read<T>(what: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof NotStamped) throw error;
    throw new NotStamped(`answered with ${what}`);
  }
}
