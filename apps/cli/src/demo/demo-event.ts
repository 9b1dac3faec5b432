/** The services of the demo's platform: the CloudEvents `source` of each. */
export const DEMO_SOURCES = [
  '/accounts/signup',
  '/sms/gateway',
  '/otp/service',
  '/campaigns/sender',
  '/support/desk',
  '/contacts/upload',
  '/legal/desk',
  '/lifecycle/retention',
  '/billing/invoices',
  '/hosting/backups',
  '/security/monitor',
] as const;
export type DemoSource = (typeof DEMO_SOURCES)[number];

export interface DemoIdentifier {
  readonly scheme: 'phone' | 'email' | 'account' | 'device';
  readonly value: string;
  /** Not given: the producer's own. */
  readonly realm?: string;
  /** `false` where nobody has checked that the person holds it. */
  readonly verified?: boolean;
}

export interface DemoSubject {
  readonly identifiers: readonly DemoIdentifier[];
  readonly role: 'user' | 'contact' | 'message_recipient';
  readonly details?: object;
}

export interface DemoData {
  /** Not of heartbeats, which are about nobody. */
  readonly dataSubjects?: readonly DemoSubject[];
  readonly [field: string]: unknown;
}

/** What a story says happened; its id, time and sequence number come from the traffic. */
export interface Draft {
  readonly source: DemoSource;
  readonly type: string;
  readonly data: DemoData;
}

/** A CloudEvent 1.0 in structured mode, members in the order in which they are written. */
export interface DemoEvent {
  readonly specversion: '1.0';
  readonly id: string;
  readonly source: DemoSource;
  readonly type: string;
  /** RFC 3339, UTC, milliseconds. */
  readonly time: string;
  readonly datacontenttype: 'application/json';
  /** The source's own counter, from 1, as a decimal number. Heartbeats are not counted: they say how far it has come. */
  readonly sequence?: string;
  readonly data: DemoData;
}

export const POLICY_VERSION = '2026-06';
export const HEARTBEAT = 'sijill.producer.heartbeat.v1';
