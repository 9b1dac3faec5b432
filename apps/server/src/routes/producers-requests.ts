import { ArrayMaxSize, IsArray, IsBoolean, IsDefined, IsOptional, IsString, Matches, MaxLength } from 'class-validator';
import { PLAIN_TEXT } from '@sijill/contracts';

const PLAIN = { message: 'holds characters that no text has: NUL, or half a surrogate pair' };

export class RetireProducerBody {
  /** Why; it is recorded. */
  @IsDefined()
  @IsString()
  @Matches(PLAIN_TEXT.pattern, PLAIN)
  @Matches(/\S/, { message: 'say why; it is recorded' })
  @MaxLength(500)
  reason: string;
}

export class ChangeProducerBody extends RetireProducerBody {
  /** Prefixes of the sources that it may use, in place of those before; an empty list permits any. */
  @IsOptional()
  @IsArray()
  @ArrayMaxSize(100)
  @IsString({ each: true })
  @MaxLength(256, { each: true })
  sources?: string[] | null;

  /** Where its account and device ids mean something. */
  @IsOptional()
  @IsString()
  @MaxLength(40)
  realm?: string | null;

  /** Whether its events may tie identifiers to each other, and name other realms. */
  @IsOptional()
  @IsBoolean()
  mayLink?: boolean | null;
}

export class RegisterProducerBody extends ChangeProducerBody {
  /** Small letters, digits, dots, dashes, underscores; taken once and for ever. */
  @IsDefined()
  @IsString()
  @MaxLength(64)
  name: string;
}
