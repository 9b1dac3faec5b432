import { Transform, Type, type TransformFnParams } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayMinSize,
  ArrayUnique,
  IsArray,
  IsBoolean,
  IsIn,
  IsInt,
  IsNotEmpty,
  IsObject,
  IsOptional,
  IsString,
  IsUUID,
  Matches,
  Max,
  MaxLength,
  Min,
  ValidateNested,
  IsDefined,
  ArrayNotEmpty,
} from 'class-validator';
import {
  ACTIVITIES,
  DATA_CATEGORIES,
  GROUNDS,
  IDENTIFIER_SCHEMES,
  PLAIN_TEXT,
  PURPOSES,
  RECIPIENT_CLASSES,
  type Verdict,
} from '@sijill/contracts';
import { AUDIENCES, type Audience } from '@sijill/reports';
import { PLAIN, WithReason } from './with-reason.js';

const TIME = /^\d{4}-\d{2}-\d{2}([Tt]\d{2}:\d{2}:\d{2}(\.\d{1,9})?([Zz]|[+-]\d{2}:\d{2}))?$/;
const TIME_WANTED = { message: 'give a date (2026-07-01) or an RFC 3339 time (2026-07-01T00:00:00Z)' };

const VERDICTS: readonly Verdict[] = ['allowed', 'finding', 'unknown'];
const REALM = /^[A-Za-z0-9.-]{1,40}$/;

/** A parameter given once or several times: always a list inside. */
const toList = ({ value }: TransformFnParams): unknown =>
  value === undefined || Array.isArray(value) ? value : [value];
const toNumber = ({ value }: TransformFnParams): unknown =>
  typeof value === 'string' && /^\d{1,6}$/.test(value) ? Number(value) : value;
const toIndex = ({ value }: TransformFnParams): unknown =>
  typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value;

export class StampedQuery {
  /** Of a leaf, as its proof says. */
  @IsOptional()
  @Transform(toIndex)
  @IsInt({ message: 'give the index of a leaf, as its proof says it' })
  index?: number;
}

export class PageQuery {
  /** Items on a page, 1 to 500. */
  @IsOptional()
  @Transform(toNumber)
  @IsInt()
  @Min(1)
  @Max(500)
  limit: number = 50;

  /** `next` of the page before. */
  @IsOptional()
  @IsString()
  @IsNotEmpty()
  @MaxLength(1000)
  @Matches(PLAIN_TEXT.pattern, PLAIN)
  cursor?: string;
}

/** Ids and names that others gave: any text that can be looked for. */
const TextList = (): PropertyDecorator => (target, property) => {
  for (const rule of [
    IsOptional(),
    Transform(toList),
    IsArray(),
    ArrayMaxSize(50),
    IsString({ each: true }),
    IsNotEmpty({ each: true }),
    Matches(PLAIN_TEXT.pattern, { ...PLAIN, each: true }),
  ])
    rule(target, property);
};

/** Keys of a closed list. */
const KeyList =
  (keys: readonly string[]): PropertyDecorator =>
  (target, property) => {
    for (const rule of [IsOptional(), Transform(toList), IsArray(), IsIn(keys, { each: true })]) rule(target, property);
  };

export class DisclosuresQuery extends PageQuery {
  /** Inclusive, on the time of the event. */
  @IsOptional()
  @Matches(TIME, TIME_WANTED)
  from?: string;

  /** Exclusive. */
  @IsOptional()
  @Matches(TIME, TIME_WANTED)
  to?: string;

  /** The recipient's id; of a person the opaque one that answers show. */
  @TextList()
  recipient?: string[];

  @KeyList(RECIPIENT_CLASSES)
  recipientClass?: string[];

  @KeyList(PURPOSES)
  purpose?: string[];

  @KeyList(DATA_CATEGORIES)
  category?: string[];

  @KeyList(GROUNDS)
  ground?: string[];

  @TextList()
  producer?: string[];

  /** The id of the customer acted for; `self`: the platform acted for itself. */
  @TextList()
  onBehalfOf?: string[];

  @KeyList(VERDICTS)
  verdict?: string[];

  /** `no`: of this subject alone, not of all that are linked to it. */
  @IsOptional()
  @IsIn(['yes', 'no'])
  linked: 'yes' | 'no' = 'yes';
}

export class ActivitiesQuery extends DisclosuresQuery {
  @KeyList(ACTIVITIES)
  activity?: string[];
}

export class IdentifierBody {
  @IsDefined()
  @IsIn(IDENTIFIER_SCHEMES)
  scheme: string;

  @IsDefined()
  @Matches(PLAIN_TEXT.pattern, PLAIN)
  @IsString()
  @IsNotEmpty()
  @MaxLength(320)
  value: string;

  /** In which an account or device id means something; of a national id the country. */
  @IsOptional()
  @Matches(REALM, { message: 'a realm is 1 to 40 letters, digits, dots and dashes' })
  realm?: string;
}

abstract class AboutIdentifier extends WithReason {
  @IsDefined()
  @IsObject()
  @ValidateNested()
  @Type(() => IdentifierBody)
  identifier: IdentifierBody;

  /** The moment that is meant; now, when left out. */
  @IsOptional()
  @Matches(TIME, TIME_WANTED)
  at?: string;
}

export class LookUpBody extends AboutIdentifier {}

export class ReleaseBody extends AboutIdentifier {}

export class LinkBody extends WithReason {
  @IsDefined()
  @IsArray()
  @ArrayMinSize(2)
  @ArrayMaxSize(50)
  @ArrayUnique()
  @IsUUID(undefined, { each: true })
  subjectIds: string[];

  /** Links them although some were separated. */
  @IsOptional()
  @IsBoolean()
  override: boolean = false;
}

export class SeparationBody extends WithReason {
  @IsDefined()
  @IsArray()
  @ArrayMinSize(2)
  @ArrayMaxSize(2)
  @ArrayUnique()
  @IsUUID(undefined, { each: true })
  subjectIds: string[];
}

export class ConflictsQuery extends PageQuery {
  @IsOptional()
  @IsIn(['open', 'linked', 'apart'])
  status?: 'open' | 'linked' | 'apart';
}

export class UnsealBody extends WithReason {
  /** Opens at once, alone, also where a second person is asked for; it is recorded as that, and reviewed. */
  @IsOptional()
  @IsBoolean()
  breakGlass: boolean = false;
}

export class AnswerBody extends WithReason {}

export class ConfirmationsQuery extends PageQuery {
  @IsOptional()
  @IsIn(['open', 'confirmed', 'declined', 'expired'])
  status?: 'open' | 'confirmed' | 'declined' | 'expired';
}

export class ReportParametersBody {
  @IsOptional()
  @IsUUID()
  subjectId?: string;

  @IsOptional()
  @IsObject()
  @ValidateNested()
  @Type(() => IdentifierBody)
  identifier?: IdentifierBody;

  @IsOptional()
  @Matches(TIME, TIME_WANTED)
  from?: string;

  @IsOptional()
  @Matches(TIME, TIME_WANTED)
  to?: string;

  @IsOptional()
  @IsIn(AUDIENCES)
  audience: Audience = 'subject';

  @IsDefined()
  @IsString()
  @Matches(PLAIN_TEXT.pattern, PLAIN)
  @Matches(/\S/, { message: 'say why the report is made; it is recorded and printed' })
  @MaxLength(500)
  reason: string;
}

export class ReportBody {
  @IsDefined()
  @IsIn(['accounting'])
  report: 'accounting';

  @IsDefined()
  @IsObject()
  @ValidateNested()
  @Type(() => ReportParametersBody)
  parameters: ReportParametersBody;

  @IsOptional()
  @IsIn(['en', 'ar'])
  language: 'en' | 'ar' = 'en';

  @IsOptional()
  @IsArray()
  @ArrayNotEmpty()
  @ArrayUnique()
  @IsIn(['pdf', 'csv', 'json'], { each: true })
  formats: ('pdf' | 'csv' | 'json')[] = ['pdf'];
}
