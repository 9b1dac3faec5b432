import { namedIdentifier, type Identifier, type NamedIdentifier, type Vault } from '@sijill/vault';
import { Problem } from '../http/problem.js';

/**
 * An identifier that can be looked for. One that is none must not be answered with "nobody has it": it was never looked for.
 *
 * @param path where it stands in the input
 * @throws Problem 400
 */
export function known(
  identifier: Identifier,
  path: string,
  { defaultRegion }: Pick<Vault, 'defaultRegion'>,
): NamedIdentifier {
  const named = namedIdentifier(identifier, defaultRegion);
  if (!('code' in named)) return named;
  const { code, message, member = 'value' } = named;
  throw Problem.invalid([{ path: `${path}.${member}`, code, message }]);
}
