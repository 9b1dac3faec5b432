import { createRequire } from 'node:module';

/** A record as the client decodes it out of a fetch. */
export interface FetchedRecord {
  readonly offset: string;
  readonly batchContext: { readonly producerId?: string; readonly inTransaction?: boolean };
  /** The end of a transaction; the client hands none on, but counts them in its position. */
  isControlRecord?: boolean;
}

/** What a broker tells of one partition. */
export interface FetchedPartition {
  readonly messages: readonly FetchedRecord[];
  /** Of each transaction that was aborted: who its producer is, and where it begins in this partition. In no certain order. */
  abortedTransactions?: readonly { readonly producerId: string; readonly firstOffset: string }[];
}

interface FetchResponse {
  decode: (bytes: Buffer) => Promise<{ readonly responses: readonly { readonly partitions: FetchedPartition[] }[] }>;
}

// Before the fourth version of the call there were no transactions; after the eleventh the client knows none.
const VERSIONS = [4, 5, 6, 7, 8, 9, 10, 11];
const mended = new WeakSet<FetchResponse>();

/**
 * Sees to it that nothing of an aborted transaction is ever read.
 *
 * The client's own filter (kafkajs 2.2.4) takes aborted transactions one at a time and in the order in which they come, which is
 * that of their ends, so that records of transactions that overlap slip through; and it takes a record whose key is four zero
 * bytes for the end of one. There is no place of its own to put another filter, so its decoding of fetches is wrapped.
 */
export function keepBackAbortedRecords(): void {
  const load = createRequire(import.meta.url);
  for (const version of VERSIONS) {
    const response = load(`kafkajs/src/protocol/requests/fetch/v${version}/response.js`) as FetchResponse;
    if (mended.has(response)) continue;
    mended.add(response);
    const { decode } = response;
    response.decode = async (bytes) => {
      const decoded = await decode(bytes);
      for (const { partitions } of decoded.responses) partitions.forEach(hideAborted);
      return decoded;
    };
  }
}

/** Makes records of aborted transactions look like control records, which are passed over, and leaves the client none to judge. */
export function hideAborted(partition: FetchedPartition): void {
  const { messages, abortedTransactions } = partition;
  if (abortedTransactions === undefined || abortedTransactions.length === 0) return;
  const begins = abortedTransactions
    .map(({ producerId, firstOffset }) => ({ producerId, at: Number(firstOffset) }))
    .sort((one, other) => one.at - other.at);
  const aborting = new Set<string>();
  let next = 0;
  for (const message of messages) {
    const { producerId, inTransaction } = message.batchContext;
    const offset = Number(message.offset);
    for (; next < begins.length && begins[next]!.at <= offset; next++) aborting.add(begins[next]!.producerId);
    if (producerId === undefined) continue;
    // A producer has one transaction at a time, so this ends the one that was aborted.
    if (message.isControlRecord === true) aborting.delete(producerId);
    else if (inTransaction === true && aborting.has(producerId)) message.isControlRecord = true;
  }
  partition.abortedTransactions = [];
}
