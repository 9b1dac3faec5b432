import type { FieldError } from './field-error.js';

/** How much JSON one `details` may hold, in bytes of UTF-8: that of the event, and that of each data subject. The intake measures it. */
export const MAX_DETAILS_BYTES = 16 * 1024;

/** How deep lists and objects may stand in each other in `details`. */
export const MAX_DETAILS_DEPTH = 64;

/**
 * What no schema can say of the free part of an event: that it can be written down again. Serializers recurse, so depth is
 * bounded; canonical JSON has no unpaired surrogates, so neither strings nor names may hold one; and a number must come back as it
 * was sent (I-JSON, RFC 7493 section 2.2), which `1e400` and integers beyond 53 bits do not.
 */
export function detailsFaults(event: unknown): FieldError[] {
  const data = (event as { data?: { details?: unknown; dataSubjects?: unknown } } | null)?.data;
  const ofAll = data?.details === undefined ? [] : faultsOf(data.details, 'data.details');
  if (!Array.isArray(data?.dataSubjects)) return ofAll;
  const subjects = data.dataSubjects as readonly ({ details?: unknown } | null)[];
  const ofEach = subjects.flatMap((subject, i) =>
    subject?.details === undefined ? [] : faultsOf(subject.details, `data.dataSubjects[${i}].details`),
  );
  return [...ofAll, ...ofEach];
}

function faultsOf(details: unknown, path: string): FieldError[] {
  // Iterative: recursion over hostile input is the very thing to prevent.
  const open: { value: unknown; depth: number }[] = [{ value: details, depth: 0 }];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { value, depth } = next;
    if (typeof value === 'string' && !isWellFormed(value)) return [unpaired(path)];
    if (typeof value === 'number' && !isKept(value)) {
      const message = 'holds a number that JSON readers do not keep exactly; send large ones as text';
      return [{ path, code: 'out_of_range', message }];
    }
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

/** Whether a parsed number is surely the one that was sent: of integers beyond 53 bits several have one double. */
function isKept(value: number): boolean {
  return Number.isFinite(value) && (!Number.isInteger(value) || Number.isSafeInteger(value));
}

function isWellFormed(text: string): boolean {
  return text.isWellFormed();
}
