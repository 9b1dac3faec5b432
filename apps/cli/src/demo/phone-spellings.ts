import type { SeededRandom } from './seeded-random.js';

const arabicIndic = (text: string): string =>
  text.replace(/\d/g, (digit) => String.fromCharCode(0x0660 + Number(digit)));

/**
 * Every way in which the demo's producers write one number: international, with `00`, national, spaced, hyphenated, and in
 * Arabic-Indic digits.
 *
 * @param phone E.164, Saudi mobile
 */
export function phoneSpellings(phone: string): readonly string[] {
  const national = `0${phone.slice(4)}`;
  const [area, middle, end] = [national.slice(0, 3), national.slice(3, 6), national.slice(6)];
  return [
    phone,
    `00${phone.slice(1)}`,
    national,
    `+966 ${area.slice(1)} ${middle} ${end}`,
    `${area} ${middle} ${end}`,
    `${area}-${middle}-${end}`,
    arabicIndic(national),
    arabicIndic(`+${phone.slice(1)}`),
    arabicIndic(`00${phone.slice(1)}`),
  ];
}

/** What a machine that stores numbers would send. */
export function machineSpelling(phone: string, random: SeededRandom): string {
  return random.pick([phone, phone, `00${phone.slice(1)}`, `0${phone.slice(4)}`]);
}

/** What a person typed somewhere. */
export function typedSpelling(phone: string, random: SeededRandom): string {
  return random.pick(phoneSpellings(phone));
}
