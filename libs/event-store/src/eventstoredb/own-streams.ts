import { AccessDeniedError, jsonEvent, NO_STREAM, WrongExpectedVersionError } from '@eventstore/db-client';
import type { OnNotice } from '../store-notice.js';
import { closedMetadata } from './access-lists.js';
import type { GuardedClient } from './guarded-client.js';
import { lastJson, metadataOf } from './stream-metadata.js';

const TRIES = 3;

/**
 * Closes streams before they are first written to: their own user alone writes, and only administrators delete them or set their metadata. By
 * default every user of the server may do all of that.
 */
export class OwnStreams {
  private readonly closed = new Map<string, Promise<void>>();
  private hasTold = false;

  constructor(
    private readonly prefix: string,
    private readonly onNotice: OnNotice | undefined,
  ) {}

  /** Looks at each stream again: it may have been deleted for now, which takes its list. */
  lookAgain(): void {
    this.closed.clear();
  }

  /**
   * Closes a stream, once. What others have set stays. Without TLS or a user there is nothing to set, and where the right to is missing that is
   * told, once, and changes nothing for whoever appends.
   *
   * @throws what a read or an append of the client fails with
   */
  close(guarded: GuardedClient, stream: string): Promise<void> {
    const { isSecure, user } = guarded.facts;
    if (!isSecure || user === null || !stream.startsWith(this.prefix)) return Promise.resolve();
    let closing = this.closed.get(stream);
    if (closing === undefined) {
      closing = this.closeNow(guarded, stream, user);
      this.closed.set(stream, closing);
      closing.catch(() => this.closed.delete(stream));
    }
    return closing;
  }

  private async closeNow({ client }: GuardedClient, stream: string, user: string): Promise<void> {
    try {
      for (let tries = 1; ; tries++) {
        const { value, revision } = await lastJson(client, metadataOf(stream));
        const data = closedMetadata(value, user);
        if (data === null) return;
        try {
          const expectedRevision = revision ?? NO_STREAM;
          await client.appendToStream(metadataOf(stream), jsonEvent({ type: '$metadata', data }), { expectedRevision });
          return;
        } catch (error) {
          // Another process of the ledger, as a rule, has closed it: then this one has no right to either. What it wrote is looked at.
          const isRefused = error instanceof AccessDeniedError;
          if (!isRefused && !(error instanceof WrongExpectedVersionError)) throw error;
          if (tries < TRIES) continue;
          if (isRefused) throw error;
          return;
        }
      }
    } catch (error) {
      if (!(error instanceof AccessDeniedError)) throw error;
      if (this.hasTold) return;
      this.hasTold = true;
      this.onNotice?.({
        what: 'stream left open',
        detail:
          `the user ${user} may not set who writes to ${stream}: others may write to it, for all that is known here. ` +
          'Run "sijill doctor --protect-streams"',
      });
    }
  }
}
