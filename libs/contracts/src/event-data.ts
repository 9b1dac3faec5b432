import {
  AnyJson,
  Flag,
  Form,
  Nested,
  NonEmptyList,
  OneOf,
  Open,
  Optional,
  Says,
  SealedFor,
  Sequence,
  Text,
  Word,
} from './schema-rules.js';
import { Customer, DataSubject, Recipient, Reference, ReleasingSubject } from './event-parts.js';
import {
  CHANGES,
  CHANNELS,
  DATA_CATEGORIES,
  DELETION_REASONS,
  GROUNDS,
  JURISDICTIONS,
  LEGAL_BASES,
  MEANS,
  METHODS,
  OCCASIONS,
  ORIGINS,
  PURPOSES,
  REFUSAL_CODES,
  RIGHTS,
  TECHNIQUES,
  TRANSFER_BASES,
  WAYS_TO_LEARN_AGE,
  type Change,
  type DataCategory,
  type DeletionReason,
  type Ground,
  type Jurisdiction,
  type LegalBasis,
  type Occasion,
  type Origin,
  type Purpose,
  type RefusalCode,
  type Right,
} from './taxonomy.js';
import { CODE, LANGUAGE, UUID } from './text-forms.js';

// One class per shape of `data`. What a kind of event requires is decided by the base it extends, and never overridden:
// class-validator would keep an inherited @Optional() beside a stricter redeclaration.
// A field is sealed in the entry unless it is declared @Open(), or a @Word().

/** What every event may say. */
abstract class AnyData {
  @Says('Version of the privacy policy the producer acted under')
  @Optional()
  @Open()
  @Form(CODE)
  readonly policyVersion?: string;

  @Says('The system or component that acted')
  @Optional()
  @Open()
  @Form(CODE)
  readonly system?: string;

  @Says('The processing activity this belongs to, by the code of the record of processing')
  @Optional()
  @Open()
  @Form(CODE)
  readonly processingActivity?: string;

  @Says('The controller for whom the platform acts as processor; left out when it acts for itself')
  @Optional()
  @Open()
  @Nested(() => Customer, 'EventCustomer')
  readonly onBehalfOf?: Customer;

  @Says('Who acted: a person or an account')
  @Optional()
  @SealedFor('staff')
  @Text()
  readonly actor?: string;

  @Says('A document that supports this event')
  @Optional()
  @Nested(() => Reference, 'EventReference')
  readonly evidence?: Reference;

  @Says('Any further JSON up to 16 KiB about all data subjects of the event')
  @Optional()
  @SealedFor('shared')
  @AnyJson()
  readonly details?: unknown;
}

abstract class PersonalData extends AnyData {
  @Says('Whom this is about; each becomes an entry of its own')
  @NonEmptyList()
  @Nested(() => DataSubject, 'EventDataSubject', { each: true })
  readonly dataSubjects: DataSubject[];
}

/** About people, the kinds of data named, for a purpose on a legal basis. */
abstract class PurposefulActivity extends PersonalData {
  @Open()
  @NonEmptyList({ unique: true })
  @OneOf(DATA_CATEGORIES, { each: true })
  readonly dataCategories: DataCategory[];

  @Open()
  @OneOf(PURPOSES)
  readonly purpose: Purpose;

  @Open()
  @OneOf(LEGAL_BASES)
  readonly legalBasis: LegalBasis;
}

/** About people, the kinds of data named; a purpose may be. */
abstract class ActivityOnData extends PersonalData {
  @Open()
  @NonEmptyList({ unique: true })
  @OneOf(DATA_CATEGORIES, { each: true })
  readonly dataCategories: DataCategory[];

  @Optional()
  @Open()
  @OneOf(PURPOSES)
  readonly purpose?: Purpose;

  @Optional()
  @Open()
  @OneOf(LEGAL_BASES)
  readonly legalBasis?: LegalBasis;
}

/** Kinds of data, purpose and legal basis may all be left out. */
abstract class NoticeData extends AnyData {
  @Optional()
  @Open()
  @NonEmptyList({ unique: true })
  @OneOf(DATA_CATEGORIES, { each: true })
  readonly dataCategories?: DataCategory[];

  @Optional()
  @Open()
  @OneOf(PURPOSES)
  readonly purpose?: Purpose;

  @Optional()
  @Open()
  @OneOf(LEGAL_BASES)
  readonly legalBasis?: LegalBasis;
}

/** About people; everything else may be left out. */
abstract class NoticeOnPeople extends NoticeData {
  @Says('Whom this is about; each becomes an entry of its own')
  @NonEmptyList()
  @Nested(() => DataSubject, 'EventDataSubject', { each: true })
  readonly dataSubjects: DataSubject[];
}

/** `sijill.data.collected.v1` */
export class CollectedData extends PurposefulActivity {
  @Says('Where the data came from')
  @Optional()
  @Open()
  @OneOf(ORIGINS)
  readonly origin?: Origin;

  @Says('Whether the person had to give it')
  @Optional()
  @Open()
  @Flag()
  readonly mandatory?: boolean;

  @Says('Version of the notice the person was shown')
  @Optional()
  @Open()
  @Form(CODE)
  readonly noticeVersion?: string;
}

/** `sijill.data.used.v1` */
export class UsedData extends PurposefulActivity {
  @Says('Whether a decision about the person was made by a machine alone')
  @Optional()
  @Open()
  @Flag()
  readonly automatedDecision?: boolean;
}

/** `sijill.data.disclosed.v1` */
export class DisclosedData extends PurposefulActivity {
  @Open()
  @Nested(() => Recipient, 'EventRecipient')
  readonly recipient: Recipient;

  @Says('What permits this disclosure')
  @Optional()
  @Open()
  @OneOf(GROUNDS)
  readonly ground?: Ground;

  @Says('How it was handed over')
  @Optional()
  @Word(METHODS)
  readonly method?: string;

  @Optional()
  @Open()
  @OneOf(OCCASIONS)
  readonly occasion?: Occasion;

  @Says('The written request of an authority')
  @Optional()
  @Nested(() => Reference, 'EventReference')
  readonly request?: Reference;

  @Says('Whether no more than the purpose needs was disclosed')
  @Optional()
  @Open()
  @Flag()
  readonly minimumNecessary?: boolean;

  @Says('What the disclosure means for other people')
  @Optional()
  @Text(4000)
  readonly effectOnOthers?: string;

  @Says('Who approved the disclosure')
  @Optional()
  @SealedFor('staff')
  @Text()
  readonly approvedBy?: string;

  @Says('What permits the transfer when the recipient is in another country')
  @Optional()
  @Word(TRANSFER_BASES)
  readonly transferBasis?: string;
}

/** `sijill.data.deleted.v1` */
export class DeletedData extends ActivityOnData {
  @Optional()
  @Open()
  @OneOf(DELETION_REASONS)
  readonly reason?: DeletionReason;

  @Says('How it was destroyed')
  @Optional()
  @Word(TECHNIQUES)
  readonly technique?: string;

  @Says('Whether backups were cleared too')
  @Optional()
  @Open()
  @Flag()
  readonly backupsIncluded?: boolean;
}

/** `sijill.data.corrected.v1` */
export class CorrectedData extends ActivityOnData {}

/** `sijill.consent.*.v1` and `sijill.objection.*.v1` */
export class ChoiceData extends PersonalData {
  @Says('What the choice is about')
  @Open()
  @OneOf(PURPOSES)
  readonly purpose: Purpose;

  @Optional()
  @Open()
  @NonEmptyList({ unique: true })
  @OneOf(DATA_CATEGORIES, { each: true })
  readonly dataCategories?: DataCategory[];

  @Optional()
  @Open()
  @OneOf(LEGAL_BASES)
  readonly legalBasis?: LegalBasis;

  @Says('How the choice was made')
  @Optional()
  @Word(MEANS)
  readonly means?: string;

  @Says('Version of the notice the person was shown')
  @Optional()
  @Open()
  @Form(CODE)
  readonly noticeVersion?: string;

  @Says('Language of that notice (BCP 47)')
  @Optional()
  @Open()
  @Form(LANGUAGE)
  readonly language?: string;
}

/** `sijill.request.*.v1`, but for refusals */
export class RightsRequestData extends NoticeOnPeople {
  @Open()
  @OneOf(RIGHTS)
  readonly right: Right;

  @Says('The producer’s reference of the request, the same in all events about it')
  @Optional()
  @Text()
  readonly requestId?: string;

  @Says('Whose law it is answered under; that of the ledger’s region unless given')
  @Optional()
  @Open()
  @OneOf(JURISDICTIONS)
  readonly jurisdiction?: Jurisdiction;

  @Says('How it came')
  @Optional()
  @Word(CHANNELS)
  readonly channel?: string;

  @Says('Why, in words')
  @Optional()
  @Text()
  readonly reason?: string;
}

/** `sijill.request.refused.v1` */
export class RefusedRequestData extends RightsRequestData {
  @Says('Why, as laws know it')
  @Optional()
  @Open()
  @OneOf(REFUSAL_CODES)
  readonly code?: RefusalCode;
}

/** `sijill.subject.minor_identified.v1` */
export class MinorIdentifiedData extends NoticeOnPeople {
  @Says('How it was learned')
  @Optional()
  @Word(WAYS_TO_LEARN_AGE)
  readonly learnedBy?: string;
}

/** `sijill.identifier.released.v1`: a number given back, an account closed. */
export class ReleasedIdentifierData extends NoticeData {
  @Says('The one whose identifier it was')
  @NonEmptyList({ max: 1 })
  @Nested(() => ReleasingSubject, 'EventReleasingSubject', { each: true })
  readonly dataSubjects: ReleasingSubject[];
}

/** `sijill.producer.heartbeat.v1`: about nobody. */
export class HeartbeatData extends AnyData {
  @Says('The number that the source’s counter has reached, where the envelope does not carry it')
  @Optional()
  @Open()
  @Sequence()
  readonly sequence?: string | number;

  declare readonly dataSubjects?: never;
}

/** `sijill.recipient.*.v1` */
export class RecipientNoticeData extends NoticeOnPeople {
  @Open()
  @Nested(() => Recipient, 'EventRecipient')
  readonly recipient: Recipient;

  @Says('The entry of the disclosure that the notice is about')
  @Open()
  @Form(UUID)
  readonly entryId: string;

  @Open()
  @OneOf(CHANGES)
  readonly change: Change;
}

/** `sijill.breach.*.v1`: who is affected may not be known yet. */
export class BreachData extends NoticeData {
  @Says('What happened, when, and how far it reaches')
  @Text(4000)
  readonly scope: string;

  @Optional()
  @NonEmptyList()
  @Nested(() => DataSubject, 'EventDataSubject', { each: true })
  readonly dataSubjects?: DataSubject[];
}
