import { existsSync, statSync } from 'node:fs';
import { logKeysInForce } from '@sijill/ledger';
import { placeOfKey, signingKeysAt } from '@sijill/notary';
import { clockOf, createLogger, type Config, type SignerAddress } from '@sijill/platform';
import { sameBytes, toBase64 } from '@sijill/transparency';
import { fail, nameOf, ok, warn, type Finding } from './finding.js';

/** A key that this process is to sign with. */
interface Needed {
  readonly check: string;
  readonly address: SignerAddress;
  readonly variable: string;
  readonly generation: number;
  /** Null where nothing says yet which key it has to be. */
  readonly announced: Uint8Array | null;
}

/** The keys that this process signs with, by its roles: that each is here, or can be reached, and is the one that was announced. */
export async function checkSigners(config: Config): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const needed of [...(await logKeys(config)), ...witnessKeys(config)])
    findings.push('status' in needed ? needed : await checkKey(config, needed));
  return findings;
}

async function logKeys(config: Config): Promise<(Needed | Finding)[]> {
  if (!config.roles.includes('notary')) return [];
  const log = { check: 'log key', address: config.logSigner, variable: 'SIJILL_LOG_SIGNER' };
  try {
    const keys = await logKeysInForce(config, createLogger('silent'));
    if (keys.length === 0) return [{ ...log, generation: 1, announced: null }];
    return keys.map(({ generation, key }) => ({ ...log, generation, announced: key.publicKey }));
  } catch (error) {
    return [fail(log.check, nameOf(error), 'what the log has announced cannot be read; the message says what to do')];
  }
}

function witnessKeys({ roles, witness }: Config): Needed[] {
  if (!roles.includes('witness')) return [];
  const place = { check: 'witness key', address: witness.signer, variable: 'SIJILL_WITNESS_SIGNER' };
  return [{ ...place, generation: 1, announced: null }];
}

async function checkKey(config: Config, { check, address, variable, generation, announced }: Needed): Promise<Finding> {
  const place = placeOfKey(address, generation);
  if (place.kind === 'file' && !existsSync(place.file) && announced === null) {
    if (config.mode === 'development') return ok(check, 'none yet; it will be made on the first start');
    const cure = `make one with "sijill keys signing --out ${place.file}", or let ${variable} say what else signs`;
    return fail(check, `there is no key at ${place.file}`, cure);
  }
  try {
    const { publicKey } = await signingKeysAt(address, clockOf(config)).key(generation);
    if (announced !== null && !sameBytes(publicKey, announced))
      return fail(
        check,
        `generation ${generation}: what signs here has ${toBase64(publicKey)}, and the log has announced ${toBase64(announced)}`,
        `put back the key that was announced (${variable})`,
      );
    if (place.kind === 'file' && (statSync(place.file).mode & 0o077) !== 0)
      return warn(check, `${place.file} can be read by others`, `chmod 600 ${place.file}`);
    return ok(check, `generation ${generation}, ${place.kind === 'file' ? place.file : `by ${place.kind}`}`);
  } catch (error) {
    return fail(check, nameOf(error), `check ${variable}, and that what signs runs and is reachable`);
  }
}
