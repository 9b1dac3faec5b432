import { JSONSchema } from 'class-validator-jsonschema';
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
  SealedUnless,
  Text,
} from './schema-rules.js';
import {
  CAPACITIES,
  IDENTIFIER_SCHEMES,
  PARTY_KINDS,
  RECIPIENT_CLASSES,
  SUBJECT_ROLES,
  type Capacity,
  type IdentifierScheme,
  type PartyKind,
  type RecipientClass,
  type SubjectRole,
} from './taxonomy.js';
import { CODE, COUNTRY, REALM, SHA256 } from './text-forms.js';

/** One name of a data subject, as the producer knows it. Sealed in the entry. */
export class IdentifierGiven {
  @OneOf(IDENTIFIER_SCHEMES)
  readonly scheme: IdentifierScheme;

  @Says('Phones in any common notation, emails, or the producer’s own ids')
  @Text(320)
  readonly value: string;

  @Says(
    'Where an account or device id means something, the producer’s own realm unless given; of a national id the country',
  )
  @Optional()
  @Form(REALM)
  readonly realm?: string;

  @Says('false where the producer has not checked that the person holds it')
  @Optional()
  @Flag()
  readonly verified?: boolean;
}

abstract class SubjectParts {
  @Optional()
  @Open()
  @OneOf(SUBJECT_ROLES)
  readonly role?: SubjectRole;

  @Says('Any further JSON up to 16 KiB about this one')
  @Optional()
  @AnyJson()
  readonly details?: unknown;
}

/** One person or organization that the data is about. All identifiers are of this one. */
export class DataSubject extends SubjectParts {
  @NonEmptyList()
  @Nested(() => IdentifierGiven, 'EventIdentifier', { each: true })
  readonly identifiers: IdentifierGiven[];
}

/** The one who gave an identifier up. */
export class ReleasingSubject extends SubjectParts {
  @Says('The one identifier that leads to nobody from then on')
  @NonEmptyList({ max: 1 })
  @Nested(() => IdentifierGiven, 'EventIdentifier', { each: true })
  readonly identifiers: IdentifierGiven[];
}

const UNLESS_A_PERSON = 'kind is not person; the id of a person is sealed';

/** Whoever data is disclosed to. */
export class Recipient {
  @Says('The producer’s stable id of the recipient, a short code that names no person')
  @Open(UNLESS_A_PERSON)
  @Form(CODE)
  readonly id: string;

  @Says('The actual name, as data subjects will read it')
  @SealedUnless('kind is organization, class is authority, or the policy in force lists the recipient')
  @Text()
  readonly name: string;

  @Says('Not given, the recipient is treated as a person would be')
  @Optional()
  @Open()
  @OneOf(PARTY_KINDS)
  readonly kind?: PartyKind;

  @Open()
  @OneOf(RECIPIENT_CLASSES)
  readonly class: RecipientClass;

  @Optional()
  @Open()
  @OneOf(CAPACITIES)
  readonly capacity?: Capacity;

  @Says('Where the recipient handles the data, ISO 3166-1 alpha-2')
  @Optional()
  @Open()
  @Form(COUNTRY)
  readonly country?: string;

  @Says('A person or address at the recipient')
  @Optional()
  @Text()
  readonly contact?: string;

  @Says('The recipient’s own reference for the person or the hand-over; a later notice tells it whom to forget')
  @Optional()
  @Text()
  readonly reference?: string;
}

/** The customer for whom the platform acts as a processor. */
export class Customer {
  @Says('The producer’s stable id of the customer, a short code that names no person')
  @Open(UNLESS_A_PERSON)
  @Form(CODE)
  readonly id: string;

  @SealedUnless('kind is organization, or the policy in force lists the customer')
  @Optional()
  @Text()
  readonly name?: string;

  @Says('Not given, the customer is treated as a person would be')
  @Optional()
  @Open()
  @OneOf(PARTY_KINDS)
  readonly kind?: PartyKind;
}

/** Points to a document that is kept elsewhere, by its name, its digest or both. */
@JSONSchema({ minProperties: 1 })
export class Reference {
  @Optional()
  @Text()
  readonly reference?: string;

  @Says('SHA-256 of the document, in hexadecimal')
  @Optional()
  @Form(SHA256)
  readonly sha256?: string;
}
