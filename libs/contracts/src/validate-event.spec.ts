import { describe, expect, it } from '@jest/globals';
import { EXAMPLE_EVENT } from './example-event.js';
import { validateEvent } from './validate-event.js';

describe('validateEvent', () => {
  it('accepts the whole example', () => {
    expect(validateEvent(EXAMPLE_EVENT)).toEqual([]);
  });
});
