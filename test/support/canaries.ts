import { randomBytes, randomUUID } from 'node:crypto';
import { EVENT_CATALOGUE, eventSchemas, PRODUCER_EVENT_TYPES, type ProducerEventType } from '@sijill/contracts';

type Json = Record<string, unknown>;
type Schema = Readonly<Record<string, unknown>>;

/** A text that stands nowhere else, put into one field. */
export interface Canary {
  readonly text: string;
  /** Where it was put: the type and the path of the field. */
  readonly at: string;
  /** What the schema says of that field. */
  readonly open: boolean;
}

/** Events with a canary of its own in every field that can hold a text, by walking the schema of each type. */
export class Canaries {
  readonly all: Canary[] = [];
  private readonly schemas = eventSchemas() as unknown as Record<string, Schema>;

  /** The texts that may lie in clear nowhere. */
  get sealed(): string[] {
    return this.all.filter(({ open }) => !open).map(({ text }) => text);
  }

  /** A fresh one of so many letters, with nothing in it that base64 or JSON would write in another way. */
  fresh(at: string, open: boolean, prefix = 'canary'): string {
    const text = `${prefix}${randomBytes(6).toString('hex')}`;
    this.all.push({ text, at, open });
    return text;
  }

  /**
   * One event of each type, about one or two people; parties are persons, so that nothing of them is public.
   *
   * @param phoneOf a number of the test range for each person
   */
  events(people: number, phoneOf: () => string): Json[] {
    return PRODUCER_EVENT_TYPES.map((type) => this.event(type, people, phoneOf));
  }

  private event(type: ProducerEventType, people: number, phoneOf: () => string): Json {
    const data = this.object(EVENT_CATALOGUE[type].dataSchema, `${type} data`) as Json;
    if ('dataSubjects' in data) {
      const single = type === 'sijill.identifier.released.v1';
      data['dataSubjects'] = Array.from({ length: single ? 1 : people }, (_, i) =>
        this.subject(`${type} dataSubjects[${i}]`, phoneOf(), single),
      );
    }
    return {
      specversion: '1.0',
      id: this.fresh(`${type} id`, false),
      source: `/${this.fresh(`${type} source`, true, 'src')}`,
      type,
      time: '2026-07-01T09:15:02.114Z',
      datacontenttype: 'application/json',
      dataschema: `urn:${this.fresh(`${type} dataschema`, false)}`,
      subject: this.fresh(`${type} subject`, false),
      sequence: '1042',
      [this.fresh(`${type} name of an extension`, false, 'ext')]: this.fresh(`${type} extension`, false),
      data,
    };
  }

  private subject(at: string, phone: string, single: boolean): Json {
    const account = { scheme: 'account', value: this.fresh(`${at}.identifiers.value`, false) };
    if (single) return { identifiers: [account] };
    this.all.push({ text: phone.slice(1), at: `${at} phone`, open: false });
    return {
      identifiers: [account, { scheme: 'phone', value: phone }],
      role: 'user',
      details: { [this.fresh(`${at}.details name`, false)]: this.fresh(`${at}.details`, false) },
    };
  }

  private object(name: string, at: string): Json {
    const { properties } = this.schemas[name] as { properties: Record<string, Schema> };
    return Object.fromEntries(
      Object.entries(properties).map(([member, schema]) => [member, this.value(member, schema, `${at}.${member}`)]),
    );
  }

  private value(name: string, schema: Schema, at: string): unknown {
    const reference = schema['$ref'] as string | undefined;
    if (reference !== undefined) {
      const made = this.object(reference.split('/').at(-1)!, at);
      if ('kind' in made) made['kind'] = 'person';
      return made;
    }
    if (name === 'dataSubjects') return [];
    const items = schema['items'] as Schema | undefined;
    if (items !== undefined) return [this.value(name, items, at)];
    const values = schema['enum'] as unknown[] | undefined;
    if (values !== undefined) return values[0];
    const open = schema['x-sijill-visibility'] === 'open' && schema['x-sijill-words'] === undefined;
    switch (name) {
      case 'sha256': {
        const text = randomBytes(32).toString('hex');
        this.all.push({ text, at, open });
        return text;
      }
      case 'details':
        return { [this.fresh(`${at} name`, open)]: this.fresh(at, open) };
      case 'entryId':
        return randomUUID();
      case 'language':
        return 'ar';
      case 'country':
        return 'SA';
      case 'sequence':
        return '7';
      default:
        // The id of a party that is a person is as secret as its name.
        return schema['type'] === 'boolean' ? true : this.fresh(at, open && !/\.(recipient|onBehalfOf)\.id$/.test(at));
    }
  }
}
