import { readFile } from 'node:fs/promises';
import {
  followGrowth,
  formatVerifierKey,
  isRefusal,
  openCheckpoint,
  parseVerifierKey,
  readLogName,
  sameBytes,
  verifyGrowth,
  verifyKeyChain,
  type OpenedCheckpoint,
  type Trust,
  type VerifierKey,
} from '@sijill/transparency';
import { lossText } from './answer.js';
import { keepJson } from './kept-file.js';
import { LogUnreadable, type PlacedLog } from './log-source.js';

/**
 * What is wrong with a log: `fork`: two histories, both signed; `roll-back`: it has become shorter; `stalled`: it has not grown for
 * too long; `unsigned`: its checkpoint does not hold; `loss`: it has lost entries, says so, and goes on from what is left.
 */
export type AlarmKind = 'fork' | 'roll-back' | 'stalled' | 'unsigned' | 'loss';

export interface Alarm {
  readonly kind: AlarmKind;
  readonly detail: string;
  /** The checkpoints that show it, signed notes. */
  readonly evidence: readonly string[];
}

export interface Look {
  readonly size: bigint;
  readonly alarm: Alarm | null;
  /** The keys to trust from now on, when the log has changed them. */
  readonly newKeys: readonly string[] | null;
}

interface Seen {
  /** The last checkpoint that held, a signed note. */
  readonly checkpoint: string;
  /** When the log was last seen to have grown. */
  readonly grownAt: string;
  /** The keys that are trusted since the log has changed them; those that were given, before. */
  readonly keys?: readonly string[];
}

interface Opened {
  readonly note: string;
  readonly checkpoint: OpenedCheckpoint;
  readonly newKeys: readonly string[] | null;
}

interface Refused {
  readonly note: string;
  readonly refusal: string;
}

/**
 * Follows a log from outside. What it has seen is kept in a file, so that it goes on from there; the last good checkpoint stays in it
 * through an alarm, and the alarm comes again until the log goes on from that. Where the log changes its keys it is followed from
 * those that are trusted to the new ones, and a key that was retired is not believed again.
 */
export class LogMonitor {
  constructor(
    private readonly source: PlacedLog,
    private readonly trust: Trust,
    private readonly file: string,
    private readonly stalledAfterMs: number,
    private readonly now: () => number = Date.now,
  ) {}

  /**
   * Looks at the log once.
   *
   * @throws LogUnreadable | SyntaxError  it, or what was kept, cannot be read: that is no alarm
   */
  async look(): Promise<Look> {
    const seen = await this.seen();
    const trusted = seen?.keys?.map(parseVerifierKey) ?? this.trust.log;
    const opened = await this.open({ ...this.trust, log: trusted });
    if ('refusal' in opened) {
      const { note, refusal } = opened;
      return { size: 0n, alarm: { kind: 'unsigned', detail: refusal, evidence: [note] }, newKeys: null };
    }
    const { note, checkpoint, newKeys } = opened;
    const { size } = checkpoint;
    const now = new Date(this.now()).toISOString();
    const kept = newKeys ?? seen?.keys;
    const next: Seen = { checkpoint: note, grownAt: now, ...(kept === undefined ? {} : { keys: kept }) };
    if (seen === null) {
      await this.keep(next);
      return { size, alarm: null, newKeys };
    }
    const last = openCheckpoint(seen.checkpoint, { ...this.trust, log: [...this.trust.log, ...trusted] });
    const alarm = (kind: AlarmKind, detail: string): Look => ({
      size,
      alarm: { kind, detail, evidence: [seen.checkpoint, note] },
      newKeys: null,
    });
    if (readLogName(checkpoint.origin).losses !== readLogName(last.origin).losses)
      return this.lookBehindLoss(last, opened, next, trusted, alarm);
    if (size < last.size) return alarm('roll-back', `the log had ${last.size} entries and shows ${size}`);
    if (size === last.size) {
      if (!sameBytes(checkpoint.root, last.root)) return alarm('fork', `two roots were signed for ${size} entries`);
      const quietMs = this.now() - Date.parse(seen.grownAt);
      return quietMs <= this.stalledAfterMs
        ? { size, alarm: null, newKeys: null }
        : alarm('stalled', `the log has ${size} entries since ${seen.grownAt}`);
    }
    try {
      await verifyGrowth(this.source, last, checkpoint);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      return alarm('fork', `the ${size} entries do not begin with the ${last.size} seen before: ${error.message}`);
    }
    await this.keep(next);
    return { size, alarm: null, newKeys };
  }

  /** A loss is told once: it is on record, and the log is followed from what is left. */
  private async lookBehindLoss(
    last: OpenedCheckpoint,
    { checkpoint }: Opened,
    next: Seen,
    trusted: readonly VerifierKey[],
    alarm: (kind: AlarmKind, detail: string) => Look,
  ): Promise<Look> {
    const trust = { ...this.trust, log: [...this.trust.log, ...trusted] };
    try {
      const { losses, isWhole } = await followGrowth(this.source, last, checkpoint, trust);
      await this.keep(next);
      const followed = isWhole
        ? `up to the loss it had grown from the ${last.size} entries seen before, and it goes on from what is left of them`
        : `the entry of an earlier loss is lost itself: from the ${last.size} entries seen before it cannot be followed`;
      return alarm('loss', [...losses.map(lossText), followed].join(' '));
    } catch (error) {
      if (!isRefusal(error)) throw error;
      return alarm(
        'fork',
        `the log goes on as ${checkpoint.origin}, and not from what was seen before: ${error.message}`,
      );
    }
  }

  /** The checkpoint as it is now, signed with a key that is trusted, or with one that the log's announcements lead to from there. */
  private async open(trust: Trust): Promise<Opened | Refused> {
    const note = await this.source.checkpoint();
    try {
      return { note, checkpoint: openCheckpoint(note, trust), newKeys: null };
    } catch (error) {
      if (!isRefusal(error)) throw error;
      return (await this.follow(trust)) ?? { note, refusal: error.message };
    }
  }

  /** Null when the log says nothing about its keys: then it has not changed them. */
  private async follow(trust: Trust): Promise<Opened | Refused | null> {
    const chain = await this.source.keys().catch((error: unknown) => {
      if (error instanceof LogUnreadable) return null;
      throw error;
    });
    if (chain === null) return null;
    const note = await this.source.checkpoint();
    try {
      const { checkpoint, keys } = await verifyKeyChain(this.source, chain, note, trust);
      return { note, checkpoint, newKeys: keys.map(formatVerifierKey) };
    } catch (error) {
      if (!isRefusal(error)) throw error;
      return { note, refusal: error.message };
    }
  }

  private async seen(): Promise<Seen | null> {
    try {
      return JSON.parse(await readFile(this.file, 'utf8')) as Seen;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
      throw error;
    }
  }

  private async keep(seen: Seen): Promise<void> {
    await keepJson(this.file, seen);
  }
}
