import { isoTime, newEntryId, newSalt } from '@sijill/platform';
import { canonicalJson } from '@sijill/transparency';
import type { EntryDraft } from './directory/ports.js';
import { seal, type Secret } from './seal.js';

/**
 * An entry of the vault's own as its outbox keeps it: JSON of `{id, type, data, metadata, sealed?}`, whole, so that any process can
 * bring it into the store and none has anything to decide; the store puts the hash of what is sealed into the data. What was given as
 * a reason is sealed with the subject's key.
 *
 * @param now in milliseconds
 */
export function outboxEntry(
  { type, data, principal, reason, outbox }: EntryDraft,
  secret: Secret,
  now: number,
): { readonly id: string; readonly text: string } {
  const id = newEntryId();
  const recordedAt = isoTime(now);
  const sealed = reason === null ? null : seal(secret, `${id}/subject`, canonicalJson({ fields: { reason } }));
  const entry = {
    id,
    type,
    data: {
      occurredAt: recordedAt,
      ...data,
      ...(sealed === null ? {} : { has: ['reason'] }),
    },
    metadata: {
      format: 2,
      recordedAt,
      producer: null,
      principal,
      salt: newSalt(),
      outbox,
      ...(sealed === null ? {} : { keys: { subject: secret.keyId } }),
    },
    ...(sealed === null ? {} : { sealed: { subject: sealed } }),
  };
  return { id, text: JSON.stringify(entry) };
}
