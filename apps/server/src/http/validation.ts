import { ValidationPipe, type ValidationError } from '@nestjs/common';
import type { FieldError } from '@sijill/contracts';
import { Problem } from './problem.js';

/** Checks bodies and queries against their classes; unknown members are refused, each by its path. */
export const validation = new ValidationPipe({
  transform: true,
  whitelist: true,
  forbidNonWhitelisted: true,
  forbidUnknownValues: true,
  validationError: { target: false, value: false },
  exceptionFactory: (errors) => Problem.invalid(errors.flatMap((error) => flatten(error, ''))),
});

const CODES: Record<string, string> = {
  whitelistValidation: 'unknown_field',
  isIn: 'unknown_value',
  isDefined: 'required',
  isNotEmpty: 'required',
  isInt: 'wrong_type',
  isString: 'wrong_type',
  isObject: 'wrong_type',
  isUuid: 'bad_format',
  isArray: 'wrong_type',
};

/** What is named first of several faults in one place: that it is missing, then that it is of another type. */
function rank(constraint: string): number {
  const place = ['whitelistValidation', 'isDefined', 'isObject', 'isArray', 'isString', 'isInt'].indexOf(constraint);
  return place === -1 ? Number.POSITIVE_INFINITY : place;
}

/** In our own words, where a class says nothing better. */
const WORDS: Record<string, string> = {
  isDefined: 'is missing',
  isNotEmpty: 'is empty',
  isString: 'is no text',
  isInt: 'is no whole number',
  isBoolean: 'is neither true nor false',
  isObject: 'is no object',
  isArray: 'is no list',
  isUuid: 'is no id of the ledger',
};

/** The library's own messages begin with the property, which the path has already. */
function wordsOf(constraint: string, message: string, property: string): string {
  const begin = [`${property} `, `each value in ${property} `].find((each) => message.startsWith(each));
  return begin === undefined ? message : (WORDS[constraint] ?? message.slice(begin.length));
}

function flatten(error: ValidationError, parent: string): FieldError[] {
  const isIndex = /^\d+$/.test(error.property);
  const name = /^[\w.-]{1,64}$/.test(error.property) ? error.property : '(unprintable)';
  const path = isIndex ? `${parent}[${name}]` : parent === '' ? name : `${parent}.${name}`;
  const own = Object.entries(error.constraints ?? {})
    .sort(([a], [b]) => rank(a) - rank(b))
    .slice(0, 1)
    .map(([constraint, message]): FieldError => {
      const code = CODES[constraint] ?? 'bad_format';
      // The library's message names the property, which in this one case is the sender's own text.
      return {
        path,
        code,
        message:
          code === 'unknown_field' ? 'is not known here; leave it out' : wordsOf(constraint, message, error.property),
      };
    });
  return [...own, ...(error.children ?? []).flatMap((child) => flatten(child, path))];
}
