import type { FieldError } from './field-error.js';

/** How much JSON `data.details` may hold, in bytes of UTF-8. The intake measures it. */
export const MAX_DETAILS_BYTES = 16 * 1024;

/** How deep lists and objects may stand in each other in `data.details`. */
export const MAX_DETAILS_DEPTH = 64;

/**
 * What no schema can say of the free part of an event: that it can be written down again. Serializers recurse, so depth is
 * bounded; canonical JSON has no unpaired surrogates, so neither strings nor names may hold one.
 */
export function detailsFaults(event: unknown): FieldError[] {
  const details = (event as { data?: { details?: unknown } } | null)?.data?.details;
  return details === undefined ? [] : faultsOf(details);
}

function faultsOf(details: unknown): FieldError[] {
  const path = 'data.details';
  // Iterative: recursion over hostile input is the very thing to prevent.
  const open: { value: unknown; depth: number }[] = [{ value: details, depth: 0 }];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { value, depth } = next;
    if (typeof value === 'string' && !isWellFormed(value)) return [unpaired(path)];
    if (typeof value !== 'object' || value === null) continue;
    if (depth === MAX_DETAILS_DEPTH) {
      return [{ path, code: 'too_deep', message: `may nest ${MAX_DETAILS_DEPTH} levels; flatten it` }];
    }
    for (const [name, member] of Object.entries(value)) {
      if (!isWellFormed(name)) return [unpaired(path)];
      open.push({ value: member, depth: depth + 1 });
    }
  }
  return [];
}

function unpaired(path: string): FieldError {
  return { path, code: 'bad_format', message: 'holds an unpaired surrogate; send well-formed Unicode' };
}

function isWellFormed(text: string): boolean {
  return text.isWellFormed();
}
