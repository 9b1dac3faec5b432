export * from './policy.js';
export { PolicyInvalid, type PolicyFault, type PolicyFaultCode } from './policy-fault.js';
export { loadPolicy } from './load-policy.js';
export { comparisonFaults } from './references.js';
