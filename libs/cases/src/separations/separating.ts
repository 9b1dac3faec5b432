import type { Reader } from '@sijill/access';
import { IdentityConflict, type LinkedOrApart, type Vault } from '@sijill/vault';
import type { Confirmation } from '../confirmations/confirmation.js';
import type { Confirmations } from '../confirmations/confirmations.js';
import type { WhenConfirmed } from '../confirmations/when-confirmed.js';
import type { DualControl } from '../dual-control.js';

/** Keeps two subjects apart, or asks for it where that needs a second person. */
export class Separating {
  constructor(
    private readonly vault: Pick<Vault, 'directory'>,
    private readonly confirmations: Pick<Confirmations, 'ask'>,
    private readonly dualControl: Pick<DualControl, 'covers'>,
  ) {}

  /**
   * @returns what was decided; or what somebody else has to confirm
   * @throws IdentityConflict also for what is only asked for: what cannot be is not put before anybody
   */
  async separate(
    subjectIds: readonly [string, string],
    { reason, reader }: { readonly reason: string; readonly reader: Reader },
  ): Promise<LinkedOrApart | Confirmation> {
    const { directory } = this.vault;
    const { principal } = reader;
    if (!(await this.dualControl.covers('separation'))) return directory.separate(subjectIds, { reason, principal });
    await directory.assertSeparable(subjectIds);
    return this.confirmations.ask({ what: 'separation', about: { subjectIds }, reason, reader });
  }
}

/** It is carried out as the vault stands then: what was linked or separated in the meantime may leave nothing to do. */
export const separationWhenConfirmed: WhenConfirmed = {
  carryOut: async (change, { confirmationId, about, principal, reason }) => {
    try {
      const subjectIds = about.subjectIds as readonly [string, string];
      const { entryIds } = await change.separate(subjectIds, { principal, reason }, confirmationId);
      return { done: true, entryIds };
    } catch (error) {
      if (!(error instanceof IdentityConflict)) throw error;
      return { done: false, code: error.code, through: error.through };
    }
  },
};
