import { writtenCount } from '../rendering/dates.js';
import type { AccountingDataset } from './dataset.js';
import type { Text, Wording } from './wording.js';

export interface Bar {
  readonly label: Text;
  readonly count: string;
  /** Length of the bar, of the longest one's. */
  readonly share: number;
}

export interface Chart {
  readonly title: string;
  readonly bars: readonly Bar[];
  /** Said under the bars when some are left out here. */
  readonly more: string | null;
}

/** What fits on the first page beside everything else. */
const BARS = 8;

/** The two charts of the first page. */
export function pageCharts({ totals }: AccountingDataset, wording: Wording): Chart[] {
  const { words } = wording;
  const [recipients, categories] = completeCharts(totals, wording);
  const unseen = totals.byRecipient.slice(BARS);
  return [
    shortened(
      recipients,
      words.moreRecipients.replace('{entries}', writtenCount(unseen.reduce((sum, { count }) => sum + count, 0))),
    ),
    shortened(categories, words.moreCategories),
  ];
}

/** Charts that the first page had to cut, whole: a reader of the PDF alone must be able to add them up. */
export function pageAllTotals({ totals }: AccountingDataset, wording: Wording): Chart[] {
  return completeCharts(totals, wording).filter(({ bars }) => bars.length > BARS);
}

function completeCharts(totals: AccountingDataset['totals'], wording: Wording): [Chart, Chart] {
  return [
    {
      title: wording.words.byRecipient,
      bars: barsOf(totals.byRecipient.map(({ name, count }) => ({ label: wording.text(name), count }))),
      more: null,
    },
    {
      title: wording.words.byCategory,
      bars: barsOf(
        totals.byCategory.map(({ category, count }) => ({ label: wording.key('category', category), count })),
      ),
      more: null,
    },
  ];
}

function shortened(chart: Chart, more: string): Chart {
  const unseen = chart.bars.length - BARS;
  if (unseen <= 0) return chart;
  return { ...chart, bars: chart.bars.slice(0, BARS), more: more.replace('{count}', writtenCount(unseen)) };
}

function barsOf(totals: readonly { readonly label: Text; readonly count: number }[]): Bar[] {
  const most = totals[0]?.count ?? 1;
  return totals.map(({ label, count }) => ({ label, count: writtenCount(count), share: count / most }));
}
