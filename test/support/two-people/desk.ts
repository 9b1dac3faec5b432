import { Access, type Caller, type Reader } from '@sijill/access';
import { Confirmations, DualControl, Separating, separationWhenConfirmed, unsealWhenConfirmed } from '@sijill/cases';
import type { Clock, Config, SqlTarget } from '@sijill/platform';
import { readKeyring, Vault } from '@sijill/vault';

const BY = { name: 'command line', principal: 'command-line' };

/** Where the databases of one ledger are. */
export interface Places {
  readonly vault: SqlTarget;
  readonly access: SqlTarget;
  readonly keyring: string;
}

/** What a server has of confirmations, over databases that another has too. */
export interface Desk {
  readonly vault: Vault;
  readonly access: Access;
  readonly confirmations: Confirmations;
  readonly dualControl: DualControl;
  readonly separating: Separating;
  close(): Promise<void>;
}

export async function openDesk(
  { vault: at, access: accessAt, keyring }: Places,
  clock: Clock,
  config: Pick<Config, 'dualControl' | 'nodeId' | 'mode'> = {
    dualControl: ['unseal', 'separation'],
    nodeId: 'node-1',
    mode: 'production',
  },
): Promise<Desk> {
  const vault = await Vault.open(at, readKeyring(keyring), clock, 'SA', 500);
  const access = await Access.open(accessAt, { mode: config.mode, defaultRegion: 'SA' }, clock);
  const consequences = { separation: separationWhenConfirmed, unseal: unsealWhenConfirmed };
  const confirmations = new Confirmations(vault, access.keys, consequences, clock, config);
  const dualControl = new DualControl(vault, config);
  return {
    vault,
    access,
    confirmations,
    dualControl,
    separating: new Separating(vault, confirmations, dualControl),
    close: async () => {
      await vault.close();
      await access.close();
    },
  };
}

/** An officer with a new key. @throws when the key is not accepted at once */
export async function officer({ access }: Pick<Desk, 'access'>, name: string): Promise<Reader & { keyId: string }> {
  const { key } = await access.keys.create({ name, roles: ['officer'] }, BY);
  return (await access.keys.authenticate(key)) as Caller;
}

export async function revoke({ access }: Pick<Desk, 'access'>, keyId: string): Promise<void> {
  await access.keys.revoke(keyId, BY);
}

/** A subject that nobody else is. */
export async function somebody({ vault }: Pick<Desk, 'vault'>, email: string, at: number): Promise<string> {
  const speaker = { producer: 'shop', realm: 'default', mayLink: true, sources: [] };
  const identifiers = [{ scheme: 'email', realm: null, value: email, verified: true }];
  const [found] = await vault.directory.resolve([{ identifiers, at, speaker, entryId: 'e' }]);
  return found!.subjectId;
}
