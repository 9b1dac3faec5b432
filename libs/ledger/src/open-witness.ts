import { signingKeysAt, Witness, type WitnessOptions, type WitnessPolicy } from '@sijill/notary';
import { ConfigInvalid, type Clock, type Config, type Logger } from '@sijill/platform';
import { FormatInvalid, parseVerifierKey, type VerifierKey } from '@sijill/transparency';
import type { Keyring } from '@sijill/vault';
import { readyKeyFile } from './ready-keys.js';
import { sqlTarget } from './sql-target.js';

/**
 * This ledger as a witness of others.
 *
 * @throws ConfigInvalid | DatabaseUnavailable | SignerFailed
 */
export function openWitness(config: Config, { ledgerId }: Keyring, clock: Clock, logger: Logger): Promise<Witness> {
  const logs = config.witness.logs.map((key) => keyOf('SIJILL_WITNESSED_LOGS', key, 'ed25519'));
  const name = config.witness.name ?? `sijill-witness/${ledgerId}`;
  const { signer: address } = config.witness;
  const signer: WitnessOptions['signer'] = async (isNew) => {
    readyKeyFile(config, { of: 'witness', address, generation: 1, isNew }, clock, logger);
    return signingKeysAt(address, clock).key(1);
  };
  return Witness.open(sqlTarget(config, 'witness'), { name, signer, logs, clock });
}

/** Who is asked to cosign. @throws ConfigInvalid */
export function witnessesOf({ witnesses }: Config): WitnessPolicy | null {
  if (witnesses === null) return null;
  return {
    witnesses: witnesses.addresses.map(({ key, url }) => ({
      key: keyOf('SIJILL_WITNESSES', key, 'cosignature/v1'),
      url,
    })),
    quorum: witnesses.quorum,
  };
}

function keyOf(variable: string, text: string, type: VerifierKey['type']): VerifierKey {
  try {
    const key = parseVerifierKey(text);
    if (key.type === type) return key;
  } catch (error) {
    if (!(error instanceof FormatInvalid)) throw error;
  }
  const wanted =
    type === 'ed25519' ? "a log's, as its /log/vkey gives it" : "a witness's, which ends in a key of type 4";
  throw new ConfigInvalid([`${variable} takes verifier keys; ${text} is none, or not ${wanted}`]);
}
