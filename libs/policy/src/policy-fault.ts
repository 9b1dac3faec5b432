export type PolicyFaultCode =
  | 'not_yaml'
  | 'wrong_type'
  | 'missing'
  | 'empty'
  | 'bad_form'
  | 'unknown_field'
  | 'unknown_word'
  | 'unknown_clause'
  | 'repeated'
  | 'misplaced';

/** One thing that is wrong with a policy file; `path` as in `clauses[3].title.ar`, empty for the whole. */
export interface PolicyFault {
  readonly path: string;
  readonly code: PolicyFaultCode;
  readonly message: string;
}

/** A policy file that cannot be used; all that is wrong with it is listed. */
export class PolicyInvalid extends Error {
  override readonly name = 'PolicyInvalid';

  constructor(readonly faults: readonly PolicyFault[]) {
    super(
      `the policy cannot be used:\n${faults.map(({ path, message }) => `  - ${path || '(file)'}: ${message}`).join('\n')}`,
    );
  }
}
