import type { FieldError } from '@sijill/contracts';

/** A JSON text, token by token. It is one already: what is passed over here is white space. */
const TOKEN = /"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*|[{}[\],]/g;
const DEEPEST = 100;
const TWICE = 'stands twice in one object; readers would differ about which counts';
const NOT_KEPT = 'cannot be kept as it is written; send it as text';
const TOO_DEEP = `is nested deeper than anything that is sent; at most ${DEEPEST} levels`;
/** Of more than these in one event, whoever sent it learns nothing new. */
const MOST = 20;

/** An object or a list that is open at some place of the text. */
interface Open {
  /** Null of a list. */
  readonly names: Set<string> | null;
  /** The name or the index of the member that is read. */
  at: string | number;
}

/**
 * What a JSON text loses in silence when it is parsed: a name that stands twice in one object, of which the last wins, and a number that becomes
 * another one. And what is nested so deep that whoever walks it would run out of stack.
 *
 * @param text is JSON
 */
export function jsonFaults(text: string): FieldError[] {
  const faults: FieldError[] = [];
  const open: Open[] = [];
  let expectsName = false;
  // A list at the top is a batch of events, each of which is judged by itself.
  let [event, ofEvent] = [0, 0];
  const fault = (code: string, message: string): void => {
    const at = open[0]?.names === null ? Number(open[0].at) : 0;
    [event, ofEvent] = at === event ? [event, ofEvent + 1] : [at, 1];
    if (ofEvent <= MOST) faults.push({ path: pathOf(open), code, message });
  };
  let beyond = 0;
  for (const [token] of text.matchAll(TOKEN)) {
    const inside = open.at(-1);
    if (beyond > 0 || (open.length === DEEPEST && isOpening(token))) {
      if (isOpening(token)) beyond += 1;
      else if (token === '}' || token === ']') beyond -= 1;
      if (beyond === 1 && isOpening(token)) fault('too_deep', TOO_DEEP);
      continue;
    }
    switch (token) {
      case '{':
      case '[':
        open.push({ names: token === '{' ? new Set() : null, at: token === '{' ? '' : 0 });
        expectsName = token === '{';
        continue;
      case '}':
      case ']':
        open.pop();
        expectsName = false;
        continue;
      case ',':
        expectsName = inside!.names !== null;
        if (!expectsName) (inside!.at as number) += 1;
        continue;
    }
    if (expectsName) {
      const name = token.includes('\\') ? (JSON.parse(token) as string) : token.slice(1, -1);
      inside!.at = name;
      if (inside!.names!.has(name)) fault('duplicate_name', TWICE);
      inside!.names!.add(name);
      expectsName = false;
    } else if (token[0] !== '"' && !isKept(token)) fault('out_of_range', NOT_KEPT);
  }
  return faults;
}

function isOpening(token: string): boolean {
  return token === '{' || token === '[';
}

/** Whether JavaScript keeps a number as it is written: the shortest text of what it keeps is the same number. */
function isKept(written: string): boolean {
  if (written.length <= 15 && !/[eE]/.test(written)) return true;
  const kept = Number(written);
  return Number.isFinite(kept) && digitsOf(written) === digitsOf(String(kept));
}

/** A number's digits without zeros around them, and where its point is: the same for all ways to write it. */
function digitsOf(written: string): string {
  const [, sign = '', whole = '', part = '', exponent = '0'] =
    /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(written) ?? [];
  const digits = (whole + part).replace(/^0+/, '');
  const significant = digits.replace(/0+$/, '');
  if (significant === '') return '0';
  return `${sign}${significant}e${Number(exponent) - part.length + (digits.length - significant.length)}`;
}

function pathOf(open: readonly Open[]): string {
  return open.reduce((path, { names, at }) => {
    if (names === null) return `${path}[${at}]`;
    const name = /^[\w.-]{1,64}$/.test(String(at)) ? String(at) : '(unprintable)';
    return path === '' ? name : `${path}.${name}`;
  }, '');
}
