import { normalizeIdentifier, type Identifier, type Vault } from '@sijill/vault';
import { Problem } from '../http/problem.js';

/**
 * An identifier that can be looked for. One that is none must not be answered with "nobody has it": it was never looked for.
 *
 * @throws Problem 400
 */
export function known(identifier: Identifier, path: string, { defaultRegion }: Vault): Identifier {
  const normalized = normalizeIdentifier(identifier, defaultRegion);
  if (typeof normalized === 'string') return identifier;
  throw Problem.invalid([{ path, code: normalized.code, message: normalized.message }]);
}
