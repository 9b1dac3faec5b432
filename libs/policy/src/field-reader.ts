import type { Bilingual } from './policy.js';
import type { PolicyFault, PolicyFaultCode } from './policy-fault.js';

/**
 * One place in a parsed file. Reading goes on after a fault with a stand-in value, so that one pass names all faults; the
 * caller must throw the result away when there are any.
 */
export class Field {
  constructor(
    private readonly value: unknown,
    readonly path: string,
    private readonly faults: PolicyFault[],
  ) {}

  fault(code: PolicyFaultCode, message: string): void {
    this.faults.push({ path: this.path, code, message });
  }

  get present(): boolean {
    return this.value !== undefined;
  }

  get isNull(): boolean {
    return this.value === null;
  }

  /** The members of a mapping; every name that is not among `known` is a fault. */
  members<K extends string>(...known: readonly K[]): Record<K, Field> {
    const isMapping = typeof this.value === 'object' && this.value !== null && !Array.isArray(this.value);
    if (!isMapping) this.wrongType('a mapping');
    const mapping = isMapping ? (this.value as Record<string, unknown>) : {};
    for (const name of Object.keys(mapping)) {
      if (known.includes(name as K)) continue;
      this.member(name, undefined).fault('unknown_field', `unknown field; known here: ${known.join(', ')}`);
    }
    const faults = isMapping ? this.faults : [];
    const fields = known.map((name): [K, Field] => [name, this.member(name, own(mapping, name), faults)]);
    return Object.fromEntries(fields) as Record<K, Field>;
  }

  /** The items of a list, at least one. */
  items(): Field[] {
    if (!Array.isArray(this.value)) {
      this.wrongType('a list');
      return [];
    }
    if (this.value.length === 0) this.fault('empty', 'the list is empty');
    return this.value.map((item, i) => new Field(item, `${this.path}[${i}]`, this.faults));
  }

  /** A text of the given form; `says` completes "must be …". */
  text(form: RegExp = /\S/u, says = 'text'): string {
    if (typeof this.value !== 'string') {
      this.wrongType('text');
      return '';
    }
    if (!form.test(this.value)) this.fault('bad_form', `must be ${says}`);
    return this.value;
  }

  oneOf<T extends string>(words: readonly T[]): T {
    const text = this.text();
    if (typeof this.value === 'string' && !words.includes(text as T)) {
      this.fault('unknown_word', `"${text}" is none of: ${words.join(', ')}`);
    }
    return text as T;
  }

  integer(from: number, to: number): number {
    if (Number.isInteger(this.value) && (this.value as number) >= from && (this.value as number) <= to) {
      return this.value as number;
    }
    this.wrongType(`a whole number from ${from} to ${to}`);
    return from;
  }

  bilingual(): Bilingual {
    const { en, ar } = this.members('en', 'ar');
    return { en: en.text(), ar: ar.text() };
  }

  /** Reads when the field is there. */
  optional<T, E>(read: (field: Field) => T, otherwise: E): T | E {
    return this.present ? read(this) : otherwise;
  }

  /** Each item of a list, none of them twice by its key. */
  distinct<T>(read: (item: Field) => T, keyOf: (item: T) => string): T[] {
    const seen = new Set<string>();
    return this.items().map((field) => {
      const item = read(field);
      const key = keyOf(item);
      if (key !== '' && seen.has(key)) field.fault('repeated', `"${key}" occurs twice`);
      seen.add(key);
      return item;
    });
  }

  private member(name: string, value: unknown, faults = this.faults): Field {
    return new Field(value, this.path === '' ? name : `${this.path}.${name}`, faults);
  }

  private wrongType(wanted: string): void {
    if (this.present) this.fault('wrong_type', `must be ${wanted}`);
    else this.fault('missing', `is missing; it must be ${wanted}`);
  }
}

function own(mapping: Record<string, unknown>, name: string): unknown {
  return Object.hasOwn(mapping, name) ? mapping[name] : undefined;
}
