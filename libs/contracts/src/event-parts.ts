import { JSONSchema } from 'class-validator-jsonschema';
import { Form, Nested, NonEmptyList, OneOf, Optional, Says, Text } from './schema-rules.js';
import {
  CAPACITIES,
  IDENTIFIER_SCHEMES,
  RECIPIENT_CLASSES,
  SUBJECT_ROLES,
  type Capacity,
  type IdentifierScheme,
  type RecipientClass,
  type SubjectRole,
} from './taxonomy.js';
import { COUNTRY, SHA256 } from './text-forms.js';

/** One name of a data subject, as the producer knows it. Sealed in the entry. */
export class IdentifierGiven {
  @OneOf(IDENTIFIER_SCHEMES)
  readonly scheme: IdentifierScheme;

  @Says('Phones in any common notation, emails, or the producer’s own ids; sealed in the ledger')
  @Text(320)
  readonly value: string;
}

/** One person or organization that the data is about. All identifiers are of this one. */
export class DataSubject {
  @NonEmptyList()
  @Nested(() => IdentifierGiven, 'EventIdentifier', { each: true })
  readonly identifiers: IdentifierGiven[];

  @Optional()
  @OneOf(SUBJECT_ROLES)
  readonly role?: SubjectRole;
}

/** Whoever data is disclosed to. */
export class Recipient {
  @Says('The producer’s stable id of the organization')
  @Text()
  readonly id: string;

  @Says('The actual name of the organization, as data subjects will read it')
  @Text()
  readonly name: string;

  @OneOf(RECIPIENT_CLASSES)
  readonly class: RecipientClass;

  @Optional()
  @OneOf(CAPACITIES)
  readonly capacity?: Capacity;

  @Says('Where the recipient handles the data, ISO 3166-1 alpha-2')
  @Optional()
  @Form(COUNTRY)
  readonly country?: string;

  @Says('A person or address at the recipient; sealed in the ledger')
  @Optional()
  @Text()
  readonly contact?: string;
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
