import { readFile } from 'node:fs/promises';
import {
  isRefusal,
  openCheckpoint,
  sameBytes,
  verifyGrowth,
  type LogSource,
  type OpenedCheckpoint,
  type Trust,
} from '@sijill/transparency';
import { keepJson } from './kept-file.js';

/**
 * What is wrong with a log: `fork`: two histories, both signed; `roll-back`: it has become shorter; `stalled`: it has not grown for
 * too long; `unsigned`: its checkpoint does not hold.
 */
export type AlarmKind = 'fork' | 'roll-back' | 'stalled' | 'unsigned';

export interface Alarm {
  readonly kind: AlarmKind;
  readonly detail: string;
  /** The checkpoints that show it, signed notes. */
  readonly evidence: readonly string[];
}

export interface Look {
  readonly size: bigint;
  readonly alarm: Alarm | null;
}

interface Seen {
  /** The last checkpoint that held, a signed note. */
  readonly checkpoint: string;
  /** When the log was last seen to have grown. */
  readonly grownAt: string;
}

/**
 * Follows a log from outside. What it has seen is kept in a file, so that it goes on from there; the last good checkpoint stays in it
 * through an alarm, and the alarm comes again until the log goes on from that.
 */
export class LogMonitor {
  constructor(
    private readonly source: LogSource,
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
    const note = await this.source.checkpoint();
    let checkpoint: OpenedCheckpoint;
    try {
      checkpoint = openCheckpoint(note, this.trust);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      return { size: 0n, alarm: { kind: 'unsigned', detail: error.message, evidence: [note] } };
    }
    const { size } = checkpoint;
    const now = new Date(this.now()).toISOString();
    if (seen === null) {
      await this.keep({ checkpoint: note, grownAt: now });
      return { size, alarm: null };
    }
    const last = openCheckpoint(seen.checkpoint, this.trust);
    const alarm = (kind: AlarmKind, detail: string): Look => ({
      size,
      alarm: { kind, detail, evidence: [seen.checkpoint, note] },
    });
    if (size < last.size) return alarm('roll-back', `the log had ${last.size} entries and shows ${size}`);
    if (size === last.size) {
      if (!sameBytes(checkpoint.root, last.root)) return alarm('fork', `two roots were signed for ${size} entries`);
      const quietMs = this.now() - Date.parse(seen.grownAt);
      return quietMs <= this.stalledAfterMs
        ? { size, alarm: null }
        : alarm('stalled', `the log has ${size} entries since ${seen.grownAt}`);
    }
    try {
      await verifyGrowth(this.source, last, checkpoint);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      return alarm('fork', `the ${size} entries do not begin with the ${last.size} seen before: ${error.message}`);
    }
    await this.keep({ checkpoint: note, grownAt: now });
    return { size, alarm: null };
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
