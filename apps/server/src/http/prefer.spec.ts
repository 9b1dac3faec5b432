import { preferenceOf } from './prefer.js';

describe('what a sender prefers', () => {
  it.each([
    ['return=receipt', 'receipt'],
    ['Return = "Receipt"; strict', 'receipt'],
    ['respond-async, wait=10, return=receipt', 'receipt'],
    ['return=minimal, return=receipt', 'minimal'],
    ['return', ''],
    ['returned=receipt', null],
    ['note="a, return=receipt", wait=1', null],
    ['note="\\", return=receipt", return=minimal', 'minimal'],
    ['note; return=receipt', null],
    ['"', null],
    ['', null],
    [undefined, null],
  ])('is read out of %j', (header, value) => expect(preferenceOf(header, 'return')).toBe(value));
});
