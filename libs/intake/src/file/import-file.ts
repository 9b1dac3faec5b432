import type { FieldError, Speaker } from '@sijill/contracts';
import { fileLane, Lane, type EventStore } from '@sijill/event-store';
import type { Clock } from '@sijill/platform';
import type { AcceptedEvent } from '../accepted-event.js';
import { CutRecord } from '../cut-record.js';
import { decodeJson } from '../decode.js';
import type { EventKey } from '../entry-catalogue.js';
import type { EntryMaker, MadeEntry, Provenance } from '../entry-maker.js';
import { readEvent, tooLarge, type IntakeLimits } from '../read-event.js';
import type { SeenEvents } from '../seen-events.js';
import { linesOf, SourceFile } from './source-file.js';

export { FileUnreadable } from './source-file.js';

export interface ImportResult {
  readonly lines: number;
  /** Events that were not in the ledger before. */
  readonly accepted: number;
  readonly duplicates: number;
  readonly rejected: readonly { readonly line: number; readonly errors: readonly FieldError[] }[];
}

export interface ImportProgress {
  readonly bytesDone: number;
  readonly bytesTotal: number;
}

export interface ImportContext {
  readonly store: EventStore;
  readonly maker: EntryMaker;
  readonly seen: SeenEvents;
  readonly clock: Clock;
  readonly limits: IntakeLimits;
  readonly defaultRegion: string;
  /** In whose name the file speaks. */
  readonly speaker: Speaker;
  /** Who imports it. */
  readonly principal: string;
}

const LINES_A_STEP = 500;

interface GoodLine {
  readonly line: number;
  readonly accepted: AcceptedEvent;
}

/**
 * Imports a file of CloudEvents, one a line, into a lane of its own, in the name of a producer.
 *
 * The lane is named by the file's content and the producer, and its entries carry their line, so an import that was cut short
 * goes on behind the last line that became durable, and a finished file read again writes nothing. The same file in the name of
 * another producer holds other events. Every line is checked on every run, so that the refused ones are listed each time.
 *
 * @param file a file, or what can be read once only, such as a pipe
 * @throws FileUnreadable
 * @throws LaneTakenOver another import of the same file is running
 * @throws StoreUnavailable | OutcomeUnknown the store does not answer; import the file again
 */
export async function importFile(
  file: string,
  context: ImportContext,
  onProgress: (progress: ImportProgress) => void = () => undefined,
): Promise<ImportResult> {
  const source = await SourceFile.open(file);
  try {
    return await importLines(source, context, onProgress);
  } finally {
    await source.close();
  }
}

async function importLines(
  source: SourceFile,
  context: ImportContext,
  onProgress: (progress: ImportProgress) => void,
): Promise<ImportResult> {
  const { sha256, bytes } = source;
  const { producer } = context.speaker;
  const lane = await Lane.open(context.store, fileLane(sha256, producer), {
    onOtherWriter: 'stop',
    whenFull: 'refuse',
  });
  const end = lane.endAtOpening;
  const endLine = (end?.metadata['file'] as { line: number } | undefined)?.line ?? 0;
  // A large event may have been cut between two appends: its line is taken up again behind the entries that are there.
  const cut = CutRecord.at(end);
  const lastWhole = cut === null ? endLine : endLine - 1;
  const provenanceOf = (line: number): Provenance => ({
    speaker: context.speaker,
    principal: context.principal,
    arrival: { file: { sha256, line } },
  });

  const result = {
    lines: 0,
    accepted: 0,
    duplicates: 0,
    rejected: [] as { line: number; errors: readonly FieldError[] }[],
  };
  let step: GoodLine[] = [];
  let earlier: GoodLine[] = [];

  const writeStep = async (): Promise<void> => {
    const good = step;
    step = [];
    if (good.length === 0) return;
    const made = await context.maker.make(
      good.map(({ line, accepted }) => ({ accepted, provenance: provenanceOf(line) })),
    );
    const keys: EventKey[] = [];
    const entries = made.flatMap((outcome, i): readonly MadeEntry[] => {
      const { line } = good[i]!;
      if ('errors' in outcome) {
        result.rejected.push({ line, errors: outcome.errors });
        return [];
      }
      keys.push(outcome.event);
      return cut !== null && line === endLine ? cut.rest(outcome.entries).entries : outcome.entries;
    });
    if (entries.length === 0) return;
    const seen = await context.seen.claim(keys);
    const { position } = await lane.append(entries);
    await context.seen.stored(keys, position);
    const repeated = seen.filter((duplicate) => duplicate).length;
    result.duplicates += repeated;
    result.accepted += seen.length - repeated;
  };

  // Lines before the lane's end were stored by an earlier run, or refused by it for what is right today (a time that lay ahead, a
  // limit). The lane goes on behind its end, so that these cannot be stored in it any more; they must not pass for stored either.
  const checkEarlier = async (): Promise<void> => {
    const lines = earlier;
    earlier = [];
    if (lines.length === 0) return;
    const keys = await context.maker.keysOf(lines.map(({ accepted }) => ({ accepted, producer })));
    const known = await context.seen.known(keys);
    lines.forEach(({ line }, i) => {
      if (known[i]!) result.duplicates++;
      else result.rejected.push({ line, errors: [REFUSED_BEFORE] });
    });
  };

  try {
    let bytesDone = 0;
    for await (const { bytes: line, length } of linesOf(source, context.limits.eventBytes)) {
      bytesDone += length;
      result.lines++;
      if (isBlank(line)) continue;
      const reading = readLine(line, context);
      if ('errors' in reading) result.rejected.push({ line: result.lines, errors: reading.errors });
      else if (result.lines <= lastWhole) earlier.push({ line: result.lines, accepted: reading.accepted });
      else step.push({ line: result.lines, accepted: reading.accepted });
      if (step.length >= LINES_A_STEP || result.lines % LINES_A_STEP === 0) {
        await checkEarlier();
        await writeStep();
        onProgress({ bytesDone, bytesTotal: bytes });
      }
    }
    await checkEarlier();
    await writeStep();
    onProgress({ bytesDone: bytes, bytesTotal: bytes });
  } catch (error) {
    // What is under way is not tried again: the next import goes on from what the lane has.
    lane.abandon();
    throw error;
  }
  await lane.close();
  return { ...result, rejected: result.rejected.sort((a, b) => a.line - b.line) };
}

const REFUSED_BEFORE: FieldError = {
  path: '',
  code: 'refused_before',
  message: 'was refused when this file was first read, and is right today; import it in a file of its own',
};

function readLine(line: Buffer, context: ImportContext): ReturnType<typeof readEvent> {
  if (line.length > context.limits.eventBytes) return { errors: [tooLarge(context.limits)] };
  const decoded = decodeJson(line);
  if ('error' in decoded) return { errors: [decoded.error] };
  if (decoded.faults.length > 0) return { errors: decoded.faults };
  return readEvent(decoded.value, {
    limits: context.limits,
    defaultRegion: context.defaultRegion,
    now: context.clock.now(),
    speaker: context.speaker,
  });
}

function isBlank(line: Buffer): boolean {
  return line.every((byte) => byte === 0x20 || byte === 0x09 || byte === 0x0d);
}
