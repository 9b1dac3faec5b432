import { randomUUID } from 'node:crypto';
import { EXAMPLE_EVENT } from '@sijill/contracts';

type Json = Record<string, unknown>;

/** A disclosure to a carrier about one person; whatever is given replaces what is there. */
export function disclosed(phone: string, envelope: Json = {}, data: Json = {}): Json {
  const { sequence: _, ...example } = EXAMPLE_EVENT as unknown as Json;
  return {
    ...example,
    id: randomUUID(),
    ...envelope,
    data: {
      ...EXAMPLE_EVENT.data,
      dataSubjects: [{ identifiers: [{ scheme: 'phone', value: phone }], role: 'message_recipient' }],
      ...data,
    },
  };
}

/** A collection at sign-up. */
export function collected(phone: string, envelope: Json = {}, data: Json = {}): Json {
  const event = disclosed(phone, { type: 'sijill.data.collected.v1', source: '/accounts/signup', ...envelope });
  const {
    recipient: _r,
    ground: _g,
    method: _m,
    occasion: _o,
    minimumNecessary: _n,
    ...common
  } = event['data'] as Json;
  return {
    ...event,
    data: {
      ...common,
      dataCategories: ['identity.name', 'contact.phone'],
      origin: 'subject',
      mandatory: true,
      ...data,
    },
  };
}

export const SINGLE = 'application/cloudevents+json';
export const BATCH = 'application/cloudevents-batch+json';
