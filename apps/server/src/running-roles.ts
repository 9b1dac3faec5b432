import { HttpIntake, HttpLane, KafkaIntake, type KafkaIntakeState } from '@sijill/intake';
import { sqlTarget, type Ledger } from '@sijill/ledger';
import { Cosigners, MapKeeper, Notary, type NotaryHealth, Receipts, TimeStamps } from '@sijill/notary';
import { claimOf } from '@sijill/platform';
import { Projector, type ProjectorState } from '@sijill/read-models';

/** So long what was handed over may take to become durable when the server stops. */
const DRAIN_MS = 5_000;

export const RUNNING_ROLES = Symbol('RunningRoles');

export interface RolesHealth {
  readonly kafka: { readonly state: KafkaIntakeState; readonly detail: string | null } | null;
  readonly projector: { readonly state: ProjectorState; readonly detail: string | null } | null;
  readonly notary: NotaryHealth | null;
  /** What keeps the notary from extending the map of subjects, when it keeps one. */
  readonly subjectMap: { readonly failure: string | null } | null;
  /** Whether as many witnesses as are needed cosign, where this process asks them. */
  readonly witnesses: Cosigners['health'] | null;
  /** When a checkpoint was last stamped, where this process has them stamped. */
  readonly timeStamps: TimeStamps['health'] | null;
  readonly httpLane: { readonly failure: string | null } | null;
  /** Whether this process has the keys that the vault was brought to, and what is left to be brought to them. */
  readonly vault: Ledger['upkeep']['health'];
  /** Why the parts of this ledger are not those of one, or not as far as each other; null when they are. */
  readonly ledger: string | null;
  /** Events in the ledger's streams that the ledger did not write; null when none was met. */
  readonly foreign: string | null;
}

/** The roles that this process plays, started and stopped in the order in which they need each other. */
export class RunningRoles {
  private constructor(
    private readonly lane: HttpLane | null,
    readonly httpIntake: HttpIntake | null,
    readonly receipts: Receipts | null,
    private readonly kafka: KafkaIntake | null,
    private readonly projector: Projector | null,
    private readonly notary: Notary | null,
    private readonly subjects: MapKeeper,
    private readonly cosigners: Cosigners | null,
    private readonly timeStamps: TimeStamps | null,
    private readonly ledger: Pick<Ledger, 'identity' | 'outboxes' | 'upkeep' | 'foreign'>,
  ) {}

  /** Takes up the HTTP lane of this node (for the api role) and makes ready the others. Nothing runs before `start`. */
  static async prepare(ledger: Ledger): Promise<RunningRoles> {
    const { config, store, intakeStore, maker, seen, clock, metrics, logger, quarantine } = ledger;
    const has = (role: string): boolean => config.roles.includes(role as never);
    const context = { limits: config.limits, defaultRegion: config.defaultRegion };
    const { nodeId } = config;
    const owners = new Map(config.kafka?.topics.map(({ topic, producer }) => [topic, producer]));
    const speakerFor = async (topic: string): ReturnType<Ledger['producers']['speakerOf']> =>
      ledger.producers.speakerOf(owners.get(topic) ?? topic);
    const claim = claimOf(sqlTarget(config, 'claims'), `sijill http lane ${nodeId}`);
    const lane = has('api')
      ? await HttpLane.open(intakeStore, { nodeId, claim, pendingBytes: config.limits.pendingBytes, logger })
      : null;
    const subjects = new MapKeeper(store, ledger.log.store, ledger.subjectMap, {
      clock,
      metrics,
      logger,
    });
    const { witnesses } = ledger.log;
    const cosigners =
      witnesses === null ? null : new Cosigners(ledger.log.store, witnesses, { clock, metrics, logger });
    const { store: log, published } = ledger.log;
    const url = config.timeStampUrl;
    const timeStamps = url === null ? null : new TimeStamps(log, { url, published, clock, metrics, logger });
    return new RunningRoles(
      lane,
      lane === null ? null : new HttpIntake(lane, maker, seen, clock, { ...context, nodeId }, metrics),
      lane === null
        ? null
        : new Receipts(store, {
            ...ledger.log.receipts,
            log: ledger.log.keys.identity.origin,
            published,
            promiseMs: 1000 * config.receiptSeconds,
            clock,
            metrics,
            logger,
          }),
      has('intake') && config.kafka !== null
        ? new KafkaIntake(
            intakeStore,
            maker,
            quarantine,
            clock,
            { ...context, kafka: config.kafka, speakerFor },
            metrics,
            logger,
          )
        : null,
      has('projector') ? new Projector(store, ledger.readModels, metrics, logger) : null,
      has('notary')
        ? new Notary(store, ledger.log.store, {
            claim: claimOf(sqlTarget(config, 'notary-claim'), 'sijill notary'),
            identity: ledger.log.keys.identity,
            subjects,
            ...(cosigners === null ? {} : { witnesses: cosigners }),
            ...(timeStamps === null ? {} : { timeStamps }),
            lane: ledger.ownLane,
            whole: ledger.identity,
            onForeign: (events) => ledger.foreign.note(events),
            clock,
            metrics,
            logger,
          })
        : null,
      subjects,
      cosigners,
      timeStamps,
      ledger,
    );
  }

  start(): void {
    this.ledger.identity.start();
    this.projector?.start();
    this.notary?.start();
    this.receipts?.start();
    this.kafka?.start();
    this.ledger.outboxes.start();
    this.ledger.upkeep.start();
  }

  /** Intake first, so that what it still stores is projected and signed; the lane drains, unless the store is out of reach. */
  async stop(): Promise<void> {
    await this.kafka?.stop();
    await this.lane?.close(DRAIN_MS);
    await Promise.all([this.receipts?.stop(), this.ledger.outboxes.stop(), this.ledger.upkeep.stop()]);
    await Promise.all([this.projector?.stop(), this.notary?.stop()]);
    await this.ledger.identity.stop();
  }

  health(): RolesHealth {
    // What runs beside the notary runs where the notary does.
    const keepsLog = this.notary?.health.state === 'running';
    return {
      kafka: this.kafka?.health ?? null,
      projector: this.projector?.health ?? null,
      notary: this.notary?.health ?? null,
      subjectMap: keepsLog ? { failure: this.subjects.detail } : null,
      witnesses: keepsLog ? (this.cosigners?.health ?? null) : null,
      timeStamps: keepsLog ? (this.timeStamps?.health ?? null) : null,
      httpLane: this.lane === null ? null : { failure: this.lane.failure },
      vault: this.ledger.upkeep.health,
      ledger: this.ledger.identity.failure,
      foreign: this.ledger.foreign.detail,
    };
  }
}
