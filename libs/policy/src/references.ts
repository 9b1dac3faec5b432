import type { Clause, Policy, Taxonomy, TaxonomyTerm } from './policy.js';
import type { PolicyFault } from './policy-fault.js';

type Words = Pick<Clause, 'categories' | 'purposes' | 'recipientClasses' | 'grounds'>;
const LISTS = ['categories', 'purposes', 'recipientClasses', 'grounds'] as const satisfies (keyof Words &
  keyof Taxonomy)[];

/** Faults in what the parts of one file say of each other: clauses that are named exist, words are in its taxonomy. */
export function referenceFaults(policy: Policy): PolicyFault[] {
  const clauseIds = new Set(policy.clauses.map(({ id }) => id));
  const faults: PolicyFault[] = [];
  const mustExist = (id: string, path: string): void => {
    // A text of another form than an id's has been named as a fault already.
    if (id !== '' && !clauseIds.has(id)) faults.push(noSuchClause(id, path));
  };
  policy.clauses.forEach(({ exceptionTo, seeAlso, bearsOn }, i) => {
    if (exceptionTo !== null) mustExist(exceptionTo, `clauses[${i}].exceptionTo`);
    seeAlso.forEach((id, k) => mustExist(id, `clauses[${i}].seeAlso[${k}]`));
    if (policy.kind === 'policy' && bearsOn.length > 0) {
      faults.push({ path: `clauses[${i}].bearsOn`, code: 'misplaced', message: 'has no place in a policy' });
    }
  });
  if (policy.ageLimit !== null) mustExist(policy.ageLimit.clause, 'ageLimit.clause');
  policy.retention.forEach(({ clause }, i) => mustExist(clause, `retention[${i}].clause`));
  if (policy.taxonomy !== null) faults.push(...wordFaults(policy, policy.taxonomy));
  return faults;
}

/**
 * Faults in what a law says of the policy that it is compared with: it names that policy, its clauses and its words.
 *
 * @returns none when the two fit together
 */
export function comparisonFaults(law: Policy, policy: Policy): PolicyFault[] {
  const { comparedWith } = law;
  if (comparedWith?.id !== policy.id || comparedWith.version !== policy.version) {
    const message = `is not ${policy.id} ${policy.version}`;
    return [{ path: 'comparedWith', code: 'unknown_word', message }];
  }
  const clauseIds = new Set(policy.clauses.map(({ id }) => id));
  const clauses = law.clauses.flatMap(({ bearsOn }, i) =>
    bearsOn.flatMap((id, k) => (clauseIds.has(id) ? [] : [noSuchClause(id, `clauses[${i}].bearsOn[${k}]`)])),
  );
  return policy.taxonomy === null ? clauses : [...clauses, ...wordFaults(law, policy.taxonomy)];
}

function noSuchClause(id: string, path: string): PolicyFault {
  return { path, code: 'unknown_clause', message: `there is no clause "${id}"` };
}

function wordFaults(policy: Policy, taxonomy: Taxonomy): PolicyFault[] {
  const faults: PolicyFault[] = [];
  const check = (words: readonly string[] | null, terms: readonly TaxonomyTerm[], path: string): void => {
    words?.forEach((word, k) => {
      if (word === '' || terms.some((term) => term.key === word)) return;
      faults.push({ path: `${path}[${k}]`, code: 'unknown_word', message: `"${word}" is not in the taxonomy` });
    });
  };
  policy.clauses.forEach((clause, i) => {
    for (const list of LISTS) check(clause[list], taxonomy[list], `clauses[${i}].${list}`);
  });
  policy.retention.forEach(({ categories }, i) => check(categories, taxonomy.categories, `retention[${i}].categories`));
  return faults;
}
