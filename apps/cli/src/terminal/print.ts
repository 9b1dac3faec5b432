import Table from 'cli-table3';

/** Prints an answer: one JSON document for programs, or text for people. */
export function printAnswer(json: boolean, answer: unknown, text: () => string): void {
  process.stdout.write(json ? `${JSON.stringify(answer)}\n` : `${text()}\n`);
}

/** A table for the terminal, coloured only where there is one. Cells may have several lines; foreign text goes through `printable` first. */
export function table(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  widths?: readonly (number | null)[],
): string {
  const colour = process.stdout.isTTY && process.env['NO_COLOR'] === undefined;
  const drawn = new Table({
    head: [...head],
    ...(widths === undefined ? {} : { colWidths: [...widths] }),
    wordWrap: true,
    style: { head: colour ? ['bold'] : [], border: colour ? ['gray'] : [] },
  });
  drawn.push(...rows.map((row) => row.map((cell, column) => wrapped(cell, widths?.[column] ?? null))));
  return drawn.toString();
}

const PADDING = 2;

/** The table itself breaks lines between words only, and cuts a longer word off: an id must not lose its end. */
function wrapped(cell: string, width: number | null): string {
  if (width === null) return cell;
  const room = width - PADDING;
  return cell.replace(/\S+/g, (word) => (word.match(new RegExp(`.{1,${room}}`, 'gu')) ?? [word]).join('\n'));
}

/** Text that came in with events or files, made safe to show: a terminal must not obey control characters in it. */
export function printable(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, '\ufffd');
}
