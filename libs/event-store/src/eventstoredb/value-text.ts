import { canonicalJson } from '@sijill/transparency';

/**
 * What the client made of a body, as text: canonical JSON; base64 of what is no JSON; empty where there is nothing. Whatever somebody
 * else has written has one text, the same at each reading.
 */
export function textOfValue(value: unknown): string {
  if (value === undefined) return '';
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  try {
    return canonicalJson(value);
  } catch {
    return anyJson(value);
  }
}

/**
 * The same for values of any depth, beyond what calls can follow, and with what canonical JSON does not hold: lone surrogates escaped,
 * numbers without end as null.
 */
function anyJson(value: unknown): string {
  let text = '';
  // What is still to be written, the next last: texts as they are, values in a list of one.
  const waiting: (string | [unknown])[] = [[value]];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (typeof next === 'string') text += next;
    else if (typeof next[0] !== 'object' || next[0] === null) text += JSON.stringify(next[0]);
    else {
      const parts = Array.isArray(next[0]) ? itemsOf(next[0]) : membersOf(next[0] as Record<string, unknown>);
      for (let i = parts.length - 1; i >= 0; i--) waiting.push(parts[i]!);
    }
  }
  return text;
}

function itemsOf(items: readonly unknown[]): (string | [unknown])[] {
  return ['[', ...items.flatMap((item, i): (string | [unknown])[] => [i === 0 ? '' : ',', [item]]), ']'];
}

function membersOf(object: Record<string, unknown>): (string | [unknown])[] {
  const names = Object.keys(object).sort();
  return [
    '{',
    ...names.flatMap((name, i): (string | [unknown])[] => [
      `${i === 0 ? '' : ','}${JSON.stringify(name)}:`,
      [object[name]],
    ]),
    '}',
  ];
}
