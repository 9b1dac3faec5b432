import { IdentityConflict, ReleaseRefused, type Vault } from '@sijill/vault';
import type { NaiveIdentifier } from './naive-identity.js';
import { PRODUCERS } from './steps.js';

/** What somebody asks the directory to decide, beside the events. */
export type Decision =
  | { readonly do: 'release'; readonly identifier: NaiveIdentifier; readonly at: number; readonly by: number }
  | {
      readonly do: 'releaseFor';
      readonly subjectId: string;
      readonly identifier: NaiveIdentifier;
      readonly at: number;
    }
  | { readonly do: 'link'; readonly subjectIds: readonly string[]; readonly override: boolean }
  | { readonly do: 'separate'; readonly subjectIds: readonly [string, string] };

/** What became of it. */
export type Decided =
  | { readonly subjectId: string | null; readonly ended: boolean }
  /** `between`: how many subjects lie on the way, where two are linked through others. */
  | { readonly refused: string; readonly between: number };

const OFFICER = { principal: 'p-1', reason: 'as they say' };
const DONE: Decided = { subjectId: null, ended: false };

export async function decide({ directory }: Pick<Vault, 'directory'>, decision: Decision): Promise<Decided> {
  try {
    switch (decision.do) {
      case 'release': {
        const speaker = { ...PRODUCERS[decision.by]!, sources: [] };
        const { subjectId, ended } = await directory.release({ ...decision, speaker });
        return { subjectId, ended };
      }
      case 'releaseFor': {
        const { subjectId, identifier, at } = decision;
        return { ...DONE, subjectId: (await directory.releaseFor(subjectId, identifier, at))?.subjectId ?? null };
      }
      case 'link':
        await directory.link(decision.subjectIds, { ...OFFICER, override: decision.override });
        return DONE;
      case 'separate':
        await directory.separate(decision.subjectIds, OFFICER);
        return DONE;
    }
  } catch (error) {
    if (error instanceof IdentityConflict) return { refused: error.code, between: error.through.length };
    if (error instanceof ReleaseRefused) return { refused: 'release', between: 0 };
    throw error;
  }
}
