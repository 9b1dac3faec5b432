import { randomUUID } from 'node:crypto';

type Json = Record<string, unknown>;

/** A disclosure to a carrier about one person; whatever is given replaces what is there. */
export function disclosed(phone: string, envelope: Json = {}, data: Json = {}): Json {
  return {
    specversion: '1.0',
    id: randomUUID(),
    source: '/sms/gateway',
    type: 'sijill.data.disclosed.v1',
    time: '2026-07-01T09:15:02.114Z',
    datacontenttype: 'application/json',
    ...envelope,
    data: {
      dataSubjects: [{ identifiers: [{ scheme: 'phone', value: phone }], role: 'message_recipient' }],
      dataCategories: ['contact.phone', 'message.content'],
      purpose: 'provide_services',
      legalBasis: 'contract',
      policyVersion: '2026-06',
      system: 'gateway-3',
      actor: 'router',
      recipient: {
        id: 'carrier-stc',
        name: 'Saudi Telecom',
        class: 'service_provider',
        capacity: 'processor',
        country: 'SA',
      },
      ground: 'service',
      method: 'api',
      occasion: 'recurring',
      minimumNecessary: true,
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
