import type { JsonObject } from '@sijill/event-store';
import { newSalt, type Clock } from '@sijill/platform';
import { canonicalJson } from '@sijill/transparency';
import { defaultScope, seal, yearOf, type Secret, type Vault } from '@sijill/vault';

/** What was said and must not stand open, by name; null where it was not given. */
export type Said = Readonly<Record<string, string | readonly string[] | null>>;

/** What an entry of the ledger's own keeps sealed, by part. */
export interface ToSeal {
  /** Names of people who work here. */
  readonly staff?: Said;
  /** What is about one person. */
  readonly subject?: { readonly subjectId: string; readonly said: Said };
  /** What belongs to one case. */
  readonly case?: { readonly caseId: string; readonly said: Said };
  /** What is about nobody. */
  readonly ledger?: Said;
}

/** What an entry has of its sealed parts. */
export interface SealedParts {
  /** For its open data: `has`, the names of what was given, sorted. The hashes of the sealed texts come in when it is written. */
  readonly open: JsonObject;
  /** For `ledgerEntry`: the sealed texts (JWE) and the ids of their keys, by part. */
  readonly kept: { readonly sealed?: Record<string, string>; readonly keys?: Record<string, string> };
}

/** Seals what an entry must not say in clear. */
export interface Seals {
  for(entryId: string, parts: ToSeal): Promise<SealedParts>;
}

/** Where the vault is not at hand, entries say no more than they can say in clear. */
export const NO_SEALS: Seals = { for: () => Promise.resolve({ open: {}, kept: {} }) };

/** Seals by the vault: staff's and the ledger's by the year, a person's and a case's by their own secrets. */
export class LedgerSeals implements Seals {
  constructor(
    private readonly vault: Pick<Vault, 'secrets'>,
    private readonly clock: Clock,
  ) {}

  /** @throws SubjectErased the person is not in the vault (any more) */
  async for(entryId: string, { staff, subject, case: ofCase, ledger }: ToSeal): Promise<SealedParts> {
    const { secrets } = this.vault;
    const now = this.clock.now();
    const parts: Part[] = [];
    const add = async (part: Omit<Part, 'secret'>, secret: () => Promise<Secret>): Promise<void> => {
      if (Object.keys(part.said).length > 0) parts.push({ ...part, secret: await secret() });
    };
    // Staff's text is not bound to its entry: of many entries at once it is sealed once.
    await add({ name: 'staff', context: `staff/${newSalt()}`, said: given(staff) }, () => secrets.ofStaff(yearOf(now)));
    await add({ name: 'subject', context: `${entryId}/subject`, said: given(subject?.said) }, () =>
      secrets.ofSubject(subject!.subjectId, defaultScope(now)),
    );
    await add({ name: 'case', context: `${entryId}/case`, said: given(ofCase?.said) }, () =>
      secrets.ofCase(ofCase!.caseId),
    );
    await add({ name: 'ledger', context: `${entryId}/ledger`, said: given(ledger) }, () =>
      secrets.ofLedger(yearOf(now)),
    );
    return sealedParts(parts);
  }
}

interface Part {
  readonly name: 'staff' | 'subject' | 'case' | 'ledger';
  readonly context: string;
  readonly said: GivenSaid;
  readonly secret: Secret;
}

function sealedParts(parts: readonly Part[]): SealedParts {
  if (parts.length === 0) return { open: {}, kept: {} };
  const sealed: Record<string, string> = {};
  const keys: Record<string, string> = {};
  for (const { name, context, said, secret } of parts) {
    const text = seal(secret, context, canonicalJson(name === 'staff' ? said : { fields: said }));
    sealed[name] = text;
    keys[name] = secret.keyId;
  }
  const has = parts.flatMap(({ said }) => Object.keys(said)).sort();
  return { open: { has }, kept: { sealed, keys } };
}

type GivenSaid = Readonly<Record<string, string | readonly string[]>>;

function given(said: Said | undefined): GivenSaid {
  const entries = Object.entries(said ?? {}).filter((entry): entry is [string, string | string[]] => entry[1] !== null);
  return Object.fromEntries(entries);
}
