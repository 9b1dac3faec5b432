import type { Config, Environment } from '@sijill/platform';
import type { ApiKeys } from './api-keys.js';
import type { ActingReader, Reader } from './reader.js';
import { ROLES, type Role } from './roles.js';

/** The principal of whoever runs a command without a key. */
export const COMMAND_LINE = 'command-line';

/** Nobody may act: SIJILL_KEY is missing where it is needed, is not accepted, or lacks the role. The message says what to do. */
export class ActingRefused extends Error {
  override readonly name = 'ActingRefused';
}

/**
 * Who acts in a command about people: whoever holds the key in `SIJILL_KEY`. In development the command line may act by itself.
 *
 * @param anyOf roles of which the key needs one
 * @throws ActingRefused
 */
export async function actingPrincipal(
  { mode }: Pick<Config, 'mode'>,
  keys: Pick<ApiKeys, 'authenticate'>,
  env: Environment,
  anyOf: readonly Role[],
): Promise<ActingReader> {
  const shown = env['SIJILL_KEY'];
  if (shown === undefined || shown === '') {
    if (mode === 'production')
      throw new ActingRefused(
        'in production a command about people acts in the name of a key: set SIJILL_KEY to one with the role ' +
          anyOf.join(' or '),
      );
    return { keyId: null, name: 'command line', principal: COMMAND_LINE, roles: ROLES, producer: null };
  }
  const found = await keys.authenticate(shown.trim());
  if ('refused' in found) throw new ActingRefused(`SIJILL_KEY cannot be used: ${found.refused}`);
  const { keyId, name, principal, roles, producer } = found;
  if (!anyOf.some((role) => roles.includes(role)))
    throw new ActingRefused(
      `SIJILL_KEY holds ${roles.join(', ')}; this needs a key with the role ${anyOf.join(' or ')}`,
    );
  return { keyId, name, principal, roles, producer };
}

/**
 * Who administers keys and producers from the command line: the first key is made before there is any, so that none is asked for.
 * Where one is shown all the same it must be good, and its holder is recorded.
 *
 * @throws ActingRefused
 */
export async function administrator(keys: Pick<ApiKeys, 'authenticate'>, env: Environment): Promise<Reader> {
  return actingPrincipal({ mode: 'development' }, keys, env, ['admin']);
}
