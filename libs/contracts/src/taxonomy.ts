/** The closed vocabularies of the ledger. Each is a list for schemas and menus, and a union for the compiler. */

/** How a data subject can be named. */
export const IDENTIFIER_SCHEMES = ['phone', 'email', 'account', 'national_id', 'device'] as const;
export type IdentifierScheme = (typeof IDENTIFIER_SCHEMES)[number];

/** Schemes that say who somebody is: a person has at most one of each in a realm. */
export const IDENTIFYING_SCHEMES = ['account', 'national_id'] as const;
/** Schemes that say how somebody is reached: they may be shared, and may pass to somebody else. */
export const CONTACT_SCHEMES = ['phone', 'email', 'device'] as const;

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
export const GROUNDS = [
  'consent',
  'law',
  'protection',
  'service',
  'public_source',
  'public_interest',
  'vital_interest',
  'legitimate_interest',
  'anonymized',
] as const;
export type Ground = (typeof GROUNDS)[number];

/** Whether a recipient or a customer is an organization, whose name is no secret, or a person, whose name is. */
export const PARTY_KINDS = ['organization', 'person'] as const;
export type PartyKind = (typeof PARTY_KINDS)[number];

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
export const RIGHTS = ['access', 'correction', 'deletion', 'objection', 'withdrawal', 'contact'] as const;
export type Right = (typeof RIGHTS)[number];

/** Whose law a rights request is answered under. */
export const JURISDICTIONS = ['PDPL', 'GDPR', 'CCPA'] as const;
export type Jurisdiction = (typeof JURISDICTIONS)[number];

/** Why a rights request may be refused. Which of them a law knows for which right is for whoever answers requests. */
export const REFUSAL_CODES = [
  'identity_not_verified',
  'repetitive',
  'manifestly_unfounded',
  'disproportionate_effort',
  'duty_to_keep',
  'legal_hold',
  'rights_of_others',
  'not_applicable',
] as const;
export type RefusalCode = (typeof REFUSAL_CODES)[number];

/** What a recipient has to be told of afterwards. */
export const CHANGES = ['erasure', 'correction', 'withdrawal'] as const;
export type Change = (typeof CHANGES)[number];

// Descriptive words. Producers may use others: such a word is sealed, and `other` stands in its place.

/** What the entry says openly in place of a word that is not in its list. */
export const OTHER_WORD = 'other';

/** How data was handed over. */
export const METHODS = ['api', 'file', 'email', 'portal', 'paper', 'phone', 'in_person', 'message'] as const;

/** How a consent or an objection was expressed. */
export const MEANS = ['web_form', 'app', 'sms', 'paper', 'phone', 'in_person'] as const;

/** How data was destroyed. */
export const TECHNIQUES = ['delete', 'overwrite', 'crypto_erase', 'anonymize', 'destroy_media'] as const;

/** How a rights request came. */
export const CHANNELS = ['web', 'app', 'email', 'phone', 'letter', 'in_person'] as const;

/** What permits a transfer to another country. */
export const TRANSFER_BASES = [
  'adequacy',
  'standard_clauses',
  'binding_rules',
  'certification',
  'explicit_consent',
  'contract',
  'public_interest',
  'vital_interest',
] as const;

/** How it was learned that a person is a minor. */
export const WAYS_TO_LEARN_AGE = ['self_declared', 'guardian', 'document', 'support', 'inferred'] as const;
