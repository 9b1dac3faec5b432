import { IsDefined, IsString, Matches, MaxLength } from 'class-validator';
import { PLAIN_TEXT } from '@sijill/contracts';

/** What a text answers that holds what no text does. */
export const PLAIN = { message: 'holds characters that no text has: NUL, or half a surrogate pair' };

/** The body of a request that says why. It stands apart from the bodies themselves, which are schemas of the OpenAPI document. */
export abstract class WithReason {
  /** Why; it is recorded. */
  @IsDefined()
  @IsString()
  @Matches(PLAIN_TEXT.pattern, PLAIN)
  @Matches(/\S/, { message: 'say why; it is recorded' })
  @MaxLength(500)
  reason: string;
}
