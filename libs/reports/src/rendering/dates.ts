import type { ReportLanguage } from './language.js';

/**
 * The names of the months are ours, and only the numbers come from `Intl`: wording differs between the ICU versions that
 * Node ships with, and a document must come out the same on each of them.
 */
const gregorianMonths: Record<ReportLanguage, readonly string[]> = {
  en: 'January February March April May June July August September October November December'.split(' '),
  ar: 'يناير فبراير مارس أبريل مايو يونيو يوليو أغسطس سبتمبر أكتوبر نوفمبر ديسمبر'.split(' '),
};

const hijriMonths: Record<ReportLanguage, readonly string[]> = {
  en: [
    'Muharram',
    'Safar',
    'Rabi‘ al-Awwal',
    'Rabi‘ al-Akhir',
    'Jumada al-Ula',
    'Jumada al-Akhirah',
    'Rajab',
    'Sha‘ban',
    'Ramadan',
    'Shawwal',
    'Dhu al-Qa‘dah',
    'Dhu al-Hijjah',
  ],
  ar: [
    'محرم',
    'صفر',
    'ربيع الأول',
    'ربيع الآخر',
    'جمادى الأولى',
    'جمادى الآخرة',
    'رجب',
    'شعبان',
    'رمضان',
    'شوال',
    'ذو القعدة',
    'ذو الحجة',
  ],
};

const era: Record<ReportLanguage, string> = { en: 'AH', ar: 'هـ' };

const ummAlQura = new Intl.DateTimeFormat('en-u-ca-islamic-umalqura-nu-latn', {
  timeZone: 'UTC',
  day: 'numeric',
  month: 'numeric',
  year: 'numeric',
});

/** One instant, as a document writes it: both calendars, and the time of day to the second. */
export interface WrittenTime {
  readonly day: string;
  readonly hijri: string;
  readonly time: string;
}

/**
 * Writes an instant in UTC, for the civil day of UTC in both calendars (Hijri by the Umm al-Qura table).
 *
 * UTC because the JSON and CSV files say the same, and a reader must be able to match the three by eye.
 *
 * @param instant RFC 3339; null is returned where it is none (an empty ledger has no last entry)
 */
export function writtenTime(instant: string, language: ReportLanguage): WrittenTime | null {
  const date = new Date(instant);
  if (Number.isNaN(date.getTime())) return null;
  const month = gregorianMonths[language][date.getUTCMonth()] ?? '';
  return {
    day: `${date.getUTCDate()} ${month} ${date.getUTCFullYear()}`,
    hijri: hijriDay(date, language),
    time: `${date.toISOString().slice(11, 19)} UTC`,
  };
}

function hijriDay(date: Date, language: ReportLanguage): string {
  const parts = new Map(ummAlQura.formatToParts(date).map(({ type, value }) => [type, value]));
  const month = hijriMonths[language][Number(parts.get('month')) - 1] ?? '';
  return `${parts.get('day') ?? ''} ${month} ${parts.get('year') ?? ''}\u00a0${era[language]}`;
}

/** A count with its thousands apart. Western digits in both languages: ids, hashes and telephone numbers have no others. */
export function writtenCount(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ',');
}
