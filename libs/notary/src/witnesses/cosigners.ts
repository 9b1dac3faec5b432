import { describeError, isoTime, within, type Clock, type Logger, type Metrics } from '@sijill/platform';
import { consistencyProof, cosignaturesOf, formatSignature, parseNote } from '@sijill/transparency';
import { keepLooking } from '../keep-looking.js';
import type { LogStore, SignedCheckpoint } from '../log-store.js';
import { fromTiles } from '../prove.js';
import { askWitness, NotCosigned, type WitnessAddress } from './witness-client.js';

/** Who is asked to cosign, and how many have to. */
export interface WitnessPolicy {
  readonly witnesses: readonly WitnessAddress[];
  readonly quorum: number;
}

export interface WitnessHealth {
  readonly name: string;
  /** Leaves that the last checkpoint it has cosigned covers; null while it is not known to have cosigned any. */
  readonly cosigned: number | null;
  /** Why it did not cosign when it was last asked; null when it did. */
  readonly failure: string | null;
  readonly failingSince: string | null;
}

interface Asked {
  readonly witness: WitnessAddress;
  cosigned: number;
  failure: string | null;
  failingSince: string | null;
}

const LOOK_MS = 200;
const PAUSES_MS = { first: 500, longest: 30_000 };
/** What a notary that stops waits for at most. */
const LAST_MS = 3_000;

/**
 * Has witnesses cosign each newest checkpoint, each witness at its own pace, and keeps what they sign under it. Nobody waits for
 * them: a checkpoint that was overtaken is not offered any more.
 */
export class Cosigners {
  private readonly asked: readonly Asked[];
  private running: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly log: LogStore,
    private readonly policy: WitnessPolicy,
    private readonly options: { readonly clock: Clock; readonly metrics: Metrics; readonly logger: Logger },
  ) {
    this.asked = policy.witnesses.map((witness) => ({ witness, cosigned: 0, failure: null, failingSince: null }));
    options.metrics.witnessQuorum.set(this.health.met ? 1 : 0);
  }

  /** Whether as many witnesses as are needed cosign, and what each does. */
  get health(): { readonly quorum: number; readonly met: boolean; readonly each: readonly WitnessHealth[] } {
    const each = this.asked.map(({ witness, cosigned, failure, failingSince }) => ({
      name: witness.key.name,
      cosigned: cosigned === 0 ? null : cosigned,
      failure,
      failingSince,
    }));
    const cosigning = each.filter(({ cosigned, failure }) => cosigned !== null && failure === null).length;
    return { quorum: this.policy.quorum, met: cosigning >= this.policy.quorum, each };
  }

  /** Asks until the signal is aborted. */
  run(signal: AbortSignal): Promise<void> {
    const running = Promise.all(this.asked.map((asked) => this.follow(asked, signal))).then(() => undefined);
    this.running = running;
    return running;
  }

  /** Once it no longer runs: has the last checkpoint cosigned, by those who do so soon. */
  async finish(): Promise<void> {
    await this.running;
    const last = Promise.all(this.asked.map((asked) => this.look(asked).catch(() => undefined)));
    await within(LAST_MS, last, () => undefined);
  }

  private follow(asked: Asked, signal: AbortSignal): Promise<void> {
    const look = async (): Promise<void> => {
      await this.look(asked);
      this.note(asked, null);
    };
    const onFailure = (error: unknown): void => {
      const failure = error instanceof NotCosigned ? error.message : describeError(error).type;
      if (failure !== asked.failure)
        this.options.logger.error({ witness: asked.witness.key.name, failure }, 'a witness does not cosign');
      this.note(asked, failure);
    };
    return keepLooking({ look, everyMs: LOOK_MS, pausesMs: PAUSES_MS, onFailure }, signal);
  }

  /** Offers the newest checkpoint to a witness, unless it has cosigned it. */
  private async look(asked: Asked): Promise<void> {
    const checkpoint = await this.log.checkpoint();
    if (checkpoint === null || checkpoint.size <= asked.cosigned) return;
    if (cosignaturesOf(parseNote(checkpoint.note), [asked.witness.key]).length === 0)
      await this.offer(asked, checkpoint);
    asked.cosigned = checkpoint.size;
  }

  private async offer({ witness, cosigned }: Asked, { size, note: checkpoint }: SignedCheckpoint): Promise<void> {
    let old = BigInt(cosigned);
    // It may know another size than it is thought to: then it says so, and is asked again from there.
    for (const again of [true, false]) {
      const proof = await fromTiles(this.log, (read) => consistencyProof(old, BigInt(size), read));
      const answer = await askWitness(witness, { old, proof, checkpoint });
      if ('cosignature' in answer) {
        const keys = this.policy.witnesses.map(({ key }) => key);
        const count = (note: string): number => cosignaturesOf(parseNote(note), keys).length;
        return this.log.addSignature(size, formatSignature(answer.cosignature), count);
      }
      if (answer.last > BigInt(size))
        throw new NotCosigned(
          `has cosigned ${answer.last} leaves of this log, which has ${size}: it was taken back, or somebody else signs with its key`,
        );
      if (!again) throw new NotCosigned('says one thing and then another of what it has cosigned');
      old = answer.last;
    }
  }

  private note(asked: Asked, failure: string | null): void {
    asked.failure = failure;
    asked.failingSince = failure === null ? null : (asked.failingSince ?? isoTime(this.options.clock.now()));
    const { metrics } = this.options;
    const { name } = asked.witness.key;
    metrics.witnessFailing.set({ witness: name }, failure === null ? 0 : 1);
    metrics.witnessCosigned.set({ witness: name }, asked.cosigned);
    metrics.witnessQuorum.set(this.health.met ? 1 : 0);
  }
}
