import { existsSync } from 'node:fs';
import { Access, assertProducersKnown, ProducersUnknown, type ApiKey, type Producer } from '@sijill/access';
import { sqlTarget } from '@sijill/ledger';
import { clockOf, type Config } from '@sijill/platform';
import { fail, nameOf, no, ok, type Finding } from './finding.js';

/** Looks at keys and producers as a start does, and for what nobody uses. */
export async function checkAccess(config: Config): Promise<Finding[]> {
  const target = sqlTarget(config, 'access');
  if (target.kind === 'sqlite' && !existsSync(target.file))
    return [ok('keys', 'none yet; make one with "sijill keys create"')];
  try {
    const clock = clockOf(config);
    const access = await Access.open(target, config, clock);
    try {
      const keys = (await access.keys.list()).filter((key) => inUse(key, clock.now()));
      const producers = (await access.producers.list()).filter(({ retiredAt }) => retiredAt === null);
      return [
        ok('keys', `${keys.length} in use`),
        idle(config, producers, keys),
        ...(config.mode === 'production' ? await unknownProducers(config, access) : []),
      ];
    } finally {
      await access.close();
    }
  } catch (error) {
    return [fail('keys', nameOf(error), 'check SIJILL_DATABASE, the rights of its user, and that the server runs')];
  }
}

function inUse({ revokedAt, expiresAt }: ApiKey, now: number): boolean {
  return revokedAt === null && (expiresAt === null || Date.parse(expiresAt) > now);
}

/** Those who may speak and have no way to, but in files: forgotten, perhaps, and better retired. */
function idle({ kafka }: Config, producers: readonly Producer[], keys: readonly ApiKey[]): Finding {
  const spokenFor = new Set([
    ...keys.map(({ producer }) => producer),
    ...(kafka?.topics ?? []).map(({ producer }) => producer),
  ]);
  const silent = producers.map(({ name }) => name).filter((name) => !spokenFor.has(name));
  const without = silent.length === 0 ? '' : `; without a key or a topic: ${silent.join(', ')}`;
  return ok('producers', `${producers.length} registered${without}`);
}

async function unknownProducers(config: Config, { producers, keys }: Access): Promise<Finding[]> {
  try {
    await assertProducersKnown(config, producers, keys);
    return [];
  } catch (error) {
    if (!(error instanceof ProducersUnknown)) throw error;
    return error.faults.map((fault) => no('producers', fault, 'the server does not start before that'));
  }
}
