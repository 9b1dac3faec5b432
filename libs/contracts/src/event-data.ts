import { AnyJson, Flag, Form, Nested, NonEmptyList, OneOf, Optional, Says, Text } from './schema-rules.js';
import { DataSubject, Recipient, Reference } from './event-parts.js';
import {
  CHANGES,
  DATA_CATEGORIES,
  DELETION_REASONS,
  GROUNDS,
  LEGAL_BASES,
  OCCASIONS,
  ORIGINS,
  PURPOSES,
  RIGHTS,
  type Change,
  type DataCategory,
  type DeletionReason,
  type Ground,
  type LegalBasis,
  type Occasion,
  type Origin,
  type Purpose,
  type Right,
} from './taxonomy.js';
import { LANGUAGE, TOKEN, UUID } from './text-forms.js';

// One class per shape of `data`. What a kind of event requires is decided by the base it extends, and never overridden:
// class-validator would keep an inherited @Optional() beside a stricter redeclaration.

/** What every event may say. */
abstract class AnyData {
  @Says('Version of the privacy policy the producer acted under')
  @Optional()
  @Text()
  readonly policyVersion?: string;

  @Says('The system or component that acted')
  @Optional()
  @Text()
  readonly system?: string;

  @Says('Who acted: a person or an account; sealed in the ledger')
  @Optional()
  @Text()
  readonly actor?: string;

  @Says('A document that supports this event')
  @Optional()
  @Nested(() => Reference, 'EventReference')
  readonly evidence?: Reference;

  @Says('Any further JSON up to 16 KiB; sealed in the ledger')
  @Optional()
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
  @NonEmptyList({ unique: true })
  @OneOf(DATA_CATEGORIES, { each: true })
  readonly dataCategories: DataCategory[];

  @OneOf(PURPOSES)
  readonly purpose: Purpose;

  @OneOf(LEGAL_BASES)
  readonly legalBasis: LegalBasis;
}

/** About people, the kinds of data named; a purpose may be. */
abstract class ActivityOnData extends PersonalData {
  @NonEmptyList({ unique: true })
  @OneOf(DATA_CATEGORIES, { each: true })
  readonly dataCategories: DataCategory[];

  @Optional()
  @OneOf(PURPOSES)
  readonly purpose?: Purpose;

  @Optional()
  @OneOf(LEGAL_BASES)
  readonly legalBasis?: LegalBasis;
}

/** About people; everything else may be left out. */
abstract class NoticeOnPeople extends PersonalData {
  @Optional()
  @NonEmptyList({ unique: true })
  @OneOf(DATA_CATEGORIES, { each: true })
  readonly dataCategories?: DataCategory[];

  @Optional()
  @OneOf(PURPOSES)
  readonly purpose?: Purpose;

  @Optional()
  @OneOf(LEGAL_BASES)
  readonly legalBasis?: LegalBasis;
}

/** `sijill.data.collected.v1` */
export class CollectedData extends PurposefulActivity {
  @Says('Where the data came from')
  @Optional()
  @OneOf(ORIGINS)
  readonly origin?: Origin;

  @Says('Whether the person had to give it')
  @Optional()
  @Flag()
  readonly mandatory?: boolean;

  @Says('Version of the notice the person was shown')
  @Optional()
  @Text()
  readonly noticeVersion?: string;
}

/** `sijill.data.used.v1` */
export class UsedData extends PurposefulActivity {
  @Says('Whether a decision about the person was made by a machine alone')
  @Optional()
  @Flag()
  readonly automatedDecision?: boolean;
}

/** `sijill.data.disclosed.v1` */
export class DisclosedData extends PurposefulActivity {
  @Nested(() => Recipient, 'EventRecipient')
  readonly recipient: Recipient;

  @Says('What permits this disclosure')
  @Optional()
  @OneOf(GROUNDS)
  readonly ground?: Ground;

  @Says('How it was handed over: api, file, email, portal, paper or another word')
  @Optional()
  @Form(TOKEN)
  readonly method?: string;

  @Optional()
  @OneOf(OCCASIONS)
  readonly occasion?: Occasion;

  @Says('The written request of an authority')
  @Optional()
  @Nested(() => Reference, 'EventReference')
  readonly request?: Reference;

  @Says('Whether no more than the purpose needs was disclosed')
  @Optional()
  @Flag()
  readonly minimumNecessary?: boolean;

  @Says('What permits the transfer when the recipient is in another country')
  @Optional()
  @Text()
  readonly transferBasis?: string;
}

/** `sijill.data.deleted.v1` */
export class DeletedData extends ActivityOnData {
  @Optional()
  @OneOf(DELETION_REASONS)
  readonly reason?: DeletionReason;

  @Says('How it was destroyed: overwrite, crypto_shredding or another word')
  @Optional()
  @Form(TOKEN)
  readonly technique?: string;

  @Says('Whether backups were cleared too')
  @Optional()
  @Flag()
  readonly backupsIncluded?: boolean;
}

/** `sijill.data.corrected.v1` */
export class CorrectedData extends ActivityOnData {}

/** `sijill.consent.*.v1` and `sijill.objection.*.v1` */
export class ChoiceData extends PersonalData {
  @Says('What the choice is about')
  @OneOf(PURPOSES)
  readonly purpose: Purpose;

  @Optional()
  @NonEmptyList({ unique: true })
  @OneOf(DATA_CATEGORIES, { each: true })
  readonly dataCategories?: DataCategory[];

  @Optional()
  @OneOf(LEGAL_BASES)
  readonly legalBasis?: LegalBasis;

  @Says('How the choice was made: checkbox, reply_stop, call or another word')
  @Optional()
  @Form(TOKEN)
  readonly means?: string;

  @Says('Version of the notice the person was shown')
  @Optional()
  @Text()
  readonly noticeVersion?: string;

  @Says('Language of that notice (BCP 47)')
  @Optional()
  @Form(LANGUAGE)
  readonly language?: string;
}

/** `sijill.request.*.v1` */
export class RightsRequestData extends NoticeOnPeople {
  @OneOf(RIGHTS)
  readonly right: Right;

  @Says('How it came: portal, email, oral or another word')
  @Optional()
  @Form(TOKEN)
  readonly channel?: string;

  @Says('Why it was extended or refused')
  @Optional()
  @Text()
  readonly reason?: string;
}

/** `sijill.subject.minor_identified.v1` */
export class MinorIdentifiedData extends NoticeOnPeople {
  @Says('How it was learned: birth_date, guardian or another word')
  @Optional()
  @Form(TOKEN)
  readonly means?: string;
}

/** `sijill.recipient.*.v1` */
export class RecipientNoticeData extends NoticeOnPeople {
  @Nested(() => Recipient, 'EventRecipient')
  readonly recipient: Recipient;

  @Says('The entry of the disclosure that the notice is about')
  @Form(UUID)
  readonly entryId: string;

  @OneOf(CHANGES)
  readonly change: Change;
}

/** `sijill.breach.*.v1`: who is affected may not be known yet. */
export class BreachData extends AnyData {
  @Says('What happened, when, and how far it reaches')
  @Text(4000)
  readonly scope: string;

  @Optional()
  @NonEmptyList()
  @Nested(() => DataSubject, 'EventDataSubject', { each: true })
  readonly dataSubjects?: DataSubject[];

  @Optional()
  @NonEmptyList({ unique: true })
  @OneOf(DATA_CATEGORIES, { each: true })
  readonly dataCategories?: DataCategory[];

  @Optional()
  @OneOf(PURPOSES)
  readonly purpose?: Purpose;

  @Optional()
  @OneOf(LEGAL_BASES)
  readonly legalBasis?: LegalBasis;
}
