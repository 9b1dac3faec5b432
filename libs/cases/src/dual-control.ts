import { DUAL_CONTROLLED, type Config, type DualControlled } from '@sijill/platform';
import type { Vault } from '@sijill/vault';

/**
 * What needs a second person in this ledger: all that this process was told, and all that any server of the ledger was told at its last
 * start. So a process that is told less is no way around; each server's own word stands until that server is started with another.
 */
export class DualControl {
  constructor(
    private readonly vault: Pick<Vault, 'cases' | 'changeCases'>,
    private readonly config: Pick<Config, 'dualControl' | 'nodeId'>,
  ) {}

  /** In the order of the list. Asked anew each time. */
  async inForce(): Promise<readonly DualControlled[]> {
    const rows = await this.vault.cases.selectFrom('vault_dual_control').select('covers').execute();
    return inOrder([...this.config.dualControl, ...rows.flatMap(({ covers }) => covers.split(','))]);
  }

  async covers(what: DualControlled): Promise<boolean> {
    return (await this.inForce()).includes(what);
  }

  /**
   * Notes what this server was told, as it starts.
   *
   * @param isAlone whether no other process of this node runs: one that does may have been told more, and that stands
   * @returns what is in force from then on
   */
  async declare(isAlone: boolean): Promise<readonly DualControlled[]> {
    const { nodeId: node, dualControl } = this.config;
    await this.vault.changeCases(async ({ db }) => {
      const before = await db
        .selectFrom('vault_dual_control')
        .select('covers')
        .where('node', '=', node)
        .executeTakeFirst();
      const covers = inOrder([...dualControl, ...(isAlone ? [] : (before?.covers.split(',') ?? []))]).join();
      await db
        .insertInto('vault_dual_control')
        .values({ node, covers })
        .onConflict((conflict) => conflict.column('node').doUpdateSet({ covers }))
        .execute();
    });
    return this.inForce();
  }
}

function inOrder(words: readonly string[]): readonly DualControlled[] {
  return DUAL_CONTROLLED.filter((what) => words.includes(what));
}
