/** The closed vocabularies of the ledger. Each is a list for schemas and menus, and a union for the compiler. */

/** How a data subject can be named. */
export const IDENTIFIER_SCHEMES = ['phone', 'email', 'account', 'national_id', 'device'] as const;
export type IdentifierScheme = (typeof IDENTIFIER_SCHEMES)[number];

/** What a data subject is to the platform: not everyone whose data is handled has an account. */
export const SUBJECT_ROLES = ['user', 'contact', 'message_recipient', 'employee'] as const;
export type SubjectRole = (typeof SUBJECT_ROLES)[number];

/** The four things the ledger exists to record. */
export const ACTIVITIES = ['collection', 'use', 'disclosure', 'deletion'] as const;
export type Activity = (typeof ACTIVITIES)[number];

/** Kinds of data, never the data. */
export const DATA_CATEGORIES = [
  'identity.name',
  'identity.organization',
  'identity.verification',
  'identity.document',
  'contact.email',
  'contact.phone',
  'account.profile',
  'account.billing',
  'usage.ip_address',
  'usage.browser',
  'usage.device',
  'usage.os',
  'usage.pages',
  'usage.access_time',
  'usage.logs',
  'contacts.entries',
  'message.content',
  'message.delivery_record',
  'consent.preferences',
] as const;
export type DataCategory = (typeof DATA_CATEGORIES)[number];

/** What data is handled for. The first seven are those the founding policy promises. */
export const PURPOSES = [
  'provide_services',
  'manage_accounts',
  'process_requests',
  'communicate_updates',
  'send_notifications',
  'improve_performance',
  'legal_compliance',
  'marketing',
  'security_fraud_prevention',
  'audit',
  'analytics',
  'rights_handling',
] as const;
export type Purpose = (typeof PURPOSES)[number];

/** What makes the handling lawful. */
export const LEGAL_BASES = [
  'consent',
  'contract',
  'legal_obligation',
  'vital_interest',
  'public_interest',
  'legitimate_interest',
] as const;
export type LegalBasis = (typeof LEGAL_BASES)[number];

/** What permits one disclosure; not the same question as the legal basis of the processing. */
export const GROUNDS = ['consent', 'law', 'protection', 'service', 'public_source', 'anonymized'] as const;
export type Ground = (typeof GROUNDS)[number];

export const RECIPIENT_CLASSES = ['service_provider', 'authority', 'partner'] as const;
export type RecipientClass = (typeof RECIPIENT_CLASSES)[number];

/** In which capacity a recipient handles what it got. */
export const CAPACITIES = ['processor', 'controller', 'joint_controller', 'public_authority'] as const;
export type Capacity = (typeof CAPACITIES)[number];

/** Where collected data came from. */
export const ORIGINS = ['subject', 'third_party', 'device', 'public'] as const;
export type Origin = (typeof ORIGINS)[number];

export const OCCASIONS = ['once', 'recurring'] as const;
export type Occasion = (typeof OCCASIONS)[number];

export const DELETION_REASONS = [
  'request',
  'purpose_ended',
  'consent_withdrawn',
  'unlawful',
  'retention_expired',
  'child',
] as const;
export type DeletionReason = (typeof DELETION_REASONS)[number];

/** What a data subject can ask for. */
export const RIGHTS = [
  'access',
  'correction',
  'deletion',
  'objection',
  'withdrawal',
  'restriction',
  'portability',
] as const;
export type Right = (typeof RIGHTS)[number];

/** What a recipient has to be told of afterwards. */
export const CHANGES = ['erasure', 'correction', 'withdrawal'] as const;
export type Change = (typeof CHANGES)[number];
