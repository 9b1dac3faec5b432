import { ArrayMaxSize, IsArray, IsBoolean, IsDefined, IsOptional, IsString, MaxLength } from 'class-validator';
import { WithReason } from './with-reason.js';

export class RetireProducerBody extends WithReason {}

export class ChangeProducerBody extends WithReason {
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
