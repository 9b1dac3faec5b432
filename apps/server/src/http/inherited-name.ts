/**
 * A member of a JSON value, at any depth, whose name every object inherits (`constructor`, `__proto__`). No body has one, and the library that
 * refuses unknown members takes these for its own.
 *
 * @returns the first name that is found; null where there is none
 */
export function inheritedName(value: unknown): string | null {
  const open = [value];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (typeof next !== 'object' || next === null) continue;
    for (const [name, member] of Object.entries(next)) {
      if (name in Object.prototype) return name;
      if (typeof member === 'object' && member !== null) open.push(member);
    }
  }
  return null;
}
