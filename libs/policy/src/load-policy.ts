import { parseDocument } from 'yaml';
import { Field } from './field-reader.js';
import type { Policy } from './policy.js';
import { PolicyInvalid, type PolicyFault } from './policy-fault.js';
import { readPolicy } from './read-policy.js';
import { referenceFaults } from './references.js';

/**
 * Reads a policy or a law from its file.
 *
 * @param text YAML 1.2, one document
 * @throws PolicyInvalid naming every fault by its path: fields that are unknown, missing or of another form, clause ids that
 *   occur twice, clauses and words that are named and do not exist
 */
export function loadPolicy(text: string): Policy {
  const document = parseDocument(text, { uniqueKeys: true, version: '1.2' });
  if (document.errors.length > 0) {
    throw new PolicyInvalid(document.errors.map(({ message }) => ({ path: '', code: 'not_yaml', message })));
  }
  const faults: PolicyFault[] = [];
  const policy = readPolicy(new Field(plainValue(document), '', faults));
  const all = [...faults, ...referenceFaults(policy)];
  if (all.length > 0) throw new PolicyInvalid(all);
  return policy;
}

function plainValue(document: ReturnType<typeof parseDocument>): unknown {
  try {
    return document.toJS({ maxAliasCount: 0 });
  } catch {
    // An alias would let one line of a policy stand for another far away; a reader of the file should see each in its place.
    throw new PolicyInvalid([{ path: '', code: 'not_yaml', message: 'aliases (*name) are not allowed; write it out' }]);
  }
}
