import { readLogName } from '../note/log-name.js';
import { openCheckpoint, type OpenedCheckpoint, type Trust } from '../note/open-checkpoint.js';
import { EMPTY_ROOT } from '../tree/hashing.js';
import { ProofInvalid } from '../tree/proofs.js';
import { rootAt, verifyGrowth, type LogSource, type Tree } from '../verification/verify-log.js';
import { verifyLosses, type ProvenLoss } from './loss.js';

/** A log that may have lost the end of its store. */
export interface LogWithLosses extends LogSource {
  /** The losses that it tells of, as `formatLosses` gives them. */
  losses(): Promise<string>;
  /** A tile of the log as it was when there had been so many losses. */
  formerTile(losses: number): LogSource['tile'];
}

/** How a log came from an earlier checkpoint to a later one. */
export interface Followed {
  /** What it has lost on the way, as it says; nothing where it has only grown. */
  readonly losses: readonly ProvenLoss[];
  /** Whether it was followed all the way: not where the entry of a loss was lost itself, by the next one. */
  readonly isWhole: boolean;
}

/**
 * Checks that a log has grown from an earlier checkpoint to a later one; where its name tells of losses between them, that it had grown up to
 * each, that it names the last checkpoint which was signed before, and that it goes on from the leaves which it says are left. So whoever has
 * kept a checkpoint sees what is lost, and that nothing else was changed.
 *
 * @throws FormatInvalid | ProofInvalid
 */
export async function followGrowth(
  source: LogWithLosses,
  earlier: OpenedCheckpoint,
  later: OpenedCheckpoint,
  trust: Trust,
): Promise<Followed> {
  const [was, is] = [readLogName(earlier.origin).losses, readLogName(later.origin).losses];
  if (was === is) {
    await verifyGrowth(source, earlier, later);
    return { losses: [], isWhole: true };
  }
  if (was > is) throw new ProofInvalid(`the log was ${earlier.origin} and is ${later.origin}: it was taken back`);
  const losses = await lossesSince(source, was, is, trust);
  const isWhole = losses[0]!.losses === was + 1;
  let [from, last]: [Tree, Tree] = isWhole ? [earlier, earlier] : [NOTHING, NOTHING];
  for (const [i, loss] of losses.entries()) {
    const next = losses[i + 1];
    const before = { ...source, tile: source.formerTile(loss.losses - 1) };
    const ended = endedAt(loss, trust);
    if (ended.size < last.size)
      throw new ProofInvalid(
        `the log says that ${ended.size} entries had been signed before its loss, and ${last.size} were: the others are denied`,
      );
    await verifyGrowth(before, from, ended);
    const behind = next === undefined ? later : endedAt(next, trust);
    const after = next === undefined ? source : { ...source, tile: source.formerTile(loss.losses) };
    from = await keptOf(after, smallest(loss.kept, ended.size, behind.size), behind);
    last = NOTHING;
    await verifyGrowth(before, from, ended);
    await verifyGrowth(after, from, behind);
  }
  return { losses, isWhole };
}

const NOTHING: Tree = { size: 0n, root: EMPTY_ROOT };

/**
 * What a log has lost since there had been so many losses, as it says.
 *
 * @param is how many its name tells of
 * @throws FormatInvalid | ProofInvalid
 */
export async function lossesSince(
  source: Pick<LogWithLosses, 'losses'>,
  was: number,
  is: number,
  trust: Trust,
): Promise<ProvenLoss[]> {
  const losses = verifyLosses(await source.losses(), trust).filter(({ losses: number }) => number > was);
  if (losses.at(-1)?.losses !== is)
    throw new ProofInvalid('the name of the log tells of a loss, and the log does not show the entry that says which');
  return losses;
}

/** The last checkpoint that was signed before a loss. */
function endedAt({ losses, checkpoint }: ProvenLoss, { log }: Trust): Tree {
  if (checkpoint === null) return NOTHING;
  const ended = openCheckpoint(checkpoint, { log });
  if (readLogName(ended.origin).losses !== losses - 1)
    throw new ProofInvalid(`the last checkpoint before the loss ${losses} is one of ${ended.origin}`);
  return ended;
}

async function keptOf(source: LogSource, size: bigint, tree: Tree): Promise<Tree> {
  return size === 0n ? NOTHING : { size, root: await rootAt(source, size, tree.size) };
}

function smallest(...sizes: readonly bigint[]): bigint {
  return sizes.reduce((least, size) => (size < least ? size : least));
}
