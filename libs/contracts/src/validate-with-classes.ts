import { plainToInstance } from 'class-transformer';
import { validateSync, ValidationTypes, type ValidationError, type ValidatorOptions } from 'class-validator';
import { detailsFaults } from './details.js';
import { ENVELOPE_ATTRIBUTES, EventEnvelope, isExtensionValue, OPEN_EXTENSIONS } from './envelope.js';
import { printable } from './faults.js';
import type { FieldError } from './field-error.js';
import { EVENT_CATALOGUE, isProducerEventType } from './producer-event.js';
import { EXTENSION_NAME } from './text-forms.js';

/** The attributes that the class of the envelope declares. */
const DECLARED = [...ENVELOPE_ATTRIBUTES, ...OPEN_EXTENSIONS];

const OPTIONS: ValidatorOptions = {
  whitelist: true,
  forbidNonWhitelisted: true,
  forbidUnknownValues: true,
  validationError: { target: false, value: false },
};

/**
 * The slow way to the verdict of `validateEvent`: class-transformer and class-validator on the classes themselves. The two
 * accept and refuse the same events, which is how we know that the derived schema says what the classes say; the faults are
 * coarser here (a list is named, not its item).
 *
 * @param value a CloudEvent in structured mode, as parsed JSON; it is not changed
 */
export function validateEventWithClasses(value: unknown): FieldError[] {
  if (!isObject(value)) return [{ path: '', code: 'wrong_type', message: 'must be an object' }];
  const { data, ...attributes } = Object.fromEntries(DECLARED.flatMap((name) => ownMember(value, name)));
  return [
    ...faultsOf(
      EventEnvelope,
      { ...(shielded(attributes, 1) as object), data: isObject(data) ? {} : shielded(data, 1) },
      '',
    ),
    ...extensionFaults(value),
    ...dataFaults(attributes['type'], data),
    ...detailsFaults(value),
  ];
}

function dataFaults(type: unknown, data: unknown): FieldError[] {
  if (typeof type !== 'string' || !isProducerEventType(type) || !isObject(data)) return [];
  return faultsOf(EVENT_CATALOGUE[type].data, shielded(data, 0) as object, 'data');
}

function extensionFaults(event: object): FieldError[] {
  return Object.entries(event).flatMap(([name, value]): FieldError[] => {
    if (DECLARED.includes(name)) return [];
    const path = printable(name);
    if (!EXTENSION_NAME.test(name)) return [{ path, code: 'unknown_field', message: 'is no attribute name' }];
    return isExtensionValue(value) ? [] : [{ path, code: 'invalid', message: 'must be a string, boolean or integer' }];
  });
}

function faultsOf(target: new () => object, plain: object, path: string): FieldError[] {
  const instance: object = plainToInstance(target, plain);
  return validateSync(instance, OPTIONS).flatMap((error) => named(error, path));
}

function named(error: ValidationError, parent: string): FieldError[] {
  const name = unshielded(error.property);
  const unknown = error.constraints?.[ValidationTypes.WHITELIST] !== undefined;
  const isIndex = !unknown && /^\d+$/.test(name);
  const path = isIndex ? `${parent}[${name}]` : `${parent === '' ? '' : `${parent}.`}${printable(name)}`;
  if (unknown) return [{ path, code: 'unknown_field', message: 'is unknown here' }];
  const own = Object.keys(error.constraints ?? {}).slice(0, 1);
  return [
    ...own.map((code) => ({ path, code, message: `breaks the rule "${code}"` })),
    ...(error.children ?? []).flatMap((child) => named(child, path)),
  ];
}

const SHIELD = '\u0000';

/**
 * A copy that class-transformer reads as it stands. It skips members named as those of every object (`constructor`,
 * `__proto__`, `toString`), or even calls them, so their names are changed; that makes them no less unknown. `details` may
 * hold anything and is judged elsewhere. Deeper than our classes nest, nothing can be right, so nothing is copied.
 */
function shielded(value: unknown, depth: number): unknown {
  if (typeof value !== 'object' || value === null || depth > 8) return typeof value === 'object' ? null : value;
  if (Array.isArray(value)) return value.map((item) => shielded(item, depth + 1));
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => {
      // Of `data`, and of each data subject in its list.
      if ((depth === 0 || depth === 2) && name === 'details') return [name, member === null ? null : true];
      return [name in Object.prototype ? SHIELD + name : name, shielded(member, depth + 1)];
    }),
  );
}

function unshielded(name: string): string {
  return name.startsWith(SHIELD) ? name.slice(SHIELD.length) : name;
}

function ownMember(object: object, name: string): [string, unknown][] {
  return Object.hasOwn(object, name) ? [[name, (object as Record<string, unknown>)[name]]] : [];
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
