/**
 * One thing that is wrong with what came in. `path` names the place with dots and brackets
 * (`data.dataSubjects[0].identifiers[1].value`, empty for the whole), `code` is stable and for programs, `message` says
 * what to change. No member ever repeats a value that came in: it might be personal data.
 */
export interface FieldError {
  readonly path: string;
  readonly code: string;
  readonly message: string;
}
