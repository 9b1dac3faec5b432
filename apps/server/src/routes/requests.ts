import { Transform, Type, type TransformFnParams } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayUnique,
  IsArray,
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
  IDENTIFIER_SCHEMES,
  PLAIN_TEXT,
  PURPOSES,
  RECIPIENT_CLASSES,
} from '@sijill/contracts';

const TIME = /^\d{4}-\d{2}-\d{2}([Tt]\d{2}:\d{2}:\d{2}(\.\d{1,9})?([Zz]|[+-]\d{2}:\d{2}))?$/;
const PLAIN = { message: 'holds characters that no text has: NUL, or half a surrogate pair' };
const TIME_WANTED = { message: 'give a date (2026-07-01) or an RFC 3339 time (2026-07-01T00:00:00Z)' };

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

export class DisclosuresQuery extends PageQuery {
  /** Inclusive, on the time of the event. */
  @IsOptional()
  @Matches(TIME, TIME_WANTED)
  from?: string;

  /** Exclusive. */
  @IsOptional()
  @Matches(TIME, TIME_WANTED)
  to?: string;

  /** The recipient's id. */
  @IsOptional()
  @Transform(toList)
  @IsArray()
  @ArrayMaxSize(50)
  @IsString({ each: true })
  @IsNotEmpty({ each: true })
  @Matches(PLAIN_TEXT.pattern, { ...PLAIN, each: true })
  recipient?: string[];

  @IsOptional()
  @Transform(toList)
  @IsArray()
  @IsIn(RECIPIENT_CLASSES, { each: true })
  recipientClass?: string[];

  @IsOptional()
  @Transform(toList)
  @IsArray()
  @IsIn(PURPOSES, { each: true })
  purpose?: string[];

  @IsOptional()
  @Transform(toList)
  @IsArray()
  @IsIn(DATA_CATEGORIES, { each: true })
  category?: string[];
}

export class ActivitiesQuery extends DisclosuresQuery {
  @IsOptional()
  @Transform(toList)
  @IsArray()
  @IsIn(ACTIVITIES, { each: true })
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
}

export class LookUpBody {
  @IsDefined()
  @IsObject()
  @ValidateNested()
  @Type(() => IdentifierBody)
  identifier: IdentifierBody;

  /** Why; it is recorded. */
  @IsDefined()
  @IsString()
  @Matches(PLAIN_TEXT.pattern, PLAIN)
  @Matches(/\S/, { message: 'say why you look this person up; it is recorded' })
  @MaxLength(500)
  reason: string;
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
