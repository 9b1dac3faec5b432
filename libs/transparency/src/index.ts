export { canonicalJson } from './canonical-json.js';
export { EMPTY_ROOT, HASH_BYTES, hashLeaf, hashNode } from './tree/hashing.js';
export {
  consistencyProof,
  inclusionProof,
  ProofInvalid,
  treeRoot,
  verifyConsistency,
  verifyInclusion,
} from './tree/proofs.js';
export type { ReadHash, Subtree } from './tree/subtrees.js';
