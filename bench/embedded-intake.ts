import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Speaker } from '@sijill/contracts';
import { httpLane, Lane } from '@sijill/event-store';
import { decodeJson, HttpIntake } from '@sijill/intake';
import { openLedger, type Ledger } from '@sijill/ledger';
import { MapKeeper, Notary, Receipts } from '@sijill/notary';
import { claimOf, createLogger, parseConfig } from '@sijill/platform';
import { Projector } from '@sijill/read-models';
import { pass, type Pass } from './measure.js';
import { threadCosts, threadTimes, type ThreadCosts } from './thread-times.js';

export interface IntakeRun {
  readonly callers: number;
  /** Whether the read models follow, and the time ends when they have all of it. */
  readonly project: boolean;
  /** Bodies that go in before the time begins. */
  readonly before?: readonly Buffer[];
  readonly atMostMs?: number;
  /** Whether a notary keeps the log beside it. */
  readonly notary?: boolean;
  /** Whether each answer has a receipt; the log has to be kept beside it. */
  readonly receipts?: boolean;
  /** Told the store position of each body that is answered as accepted; the next one goes when it is done. */
  readonly onAccepted?: (ledger: Ledger, position: number) => Promise<void>;
  /** Awaited before anything is closed, outside the time. */
  readonly atEnd?: () => Promise<void>;
}

/** And what it cost the threads; null where the system does not tell. */
export interface IntakePass extends Pass {
  readonly threads: ThreadCosts | null;
}

/** Who sends what the bench sends. */
export const BENCH_SPEAKER: Speaker = { producer: 'bench', realm: 'default', mayLink: true, sources: [] };

/** A ledger in a folder of its own, embedded and durable, as a server opens it. */
export async function benchLedger(dataDir: string): Promise<Ledger> {
  const config = parseConfig({ SIJILL_DATA_DIR: dataDir, SIJILL_LOG_LEVEL: 'silent' });
  return openLedger(config, { logger: createLogger('silent'), ownLane: 'ledger-bench', roles: ['notary'] });
}

/** The whole intake of bodies into a new ledger: decoded, checked, resolved, sealed, appended, synced. */
export async function intakePass(dataDir: string, bodies: readonly Buffer[], run: IntakeRun): Promise<IntakePass> {
  const { callers, project, before = [], atMostMs = Infinity, onAccepted } = run;
  const old = threadTimes();
  const ledger = await benchLedger(dataDir);
  const { config } = ledger;
  const lane = await Lane.open(ledger.store, httpLane('bench'), {
    onOtherWriter: 'stop',
    whenFull: 'refuse',
  });
  const context = { limits: config.limits, defaultRegion: config.defaultRegion, nodeId: 'bench' };
  const intake = new HttpIntake(lane, ledger.maker, ledger.seen, ledger.clock, context, ledger.metrics);
  const projector = new Projector(ledger.store, ledger.readModels, ledger.metrics, ledger.logger);
  if (project) projector.start();
  const notary = run.notary === true ? benchNotary(ledger) : null;
  notary?.start();
  const receipts = run.receipts === true ? await benchReceipts(ledger) : null;
  let position = 0;
  const callOf = (body: Buffer) => async (): Promise<number> => {
    const decoded = decodeJson(body) as { value: unknown[] };
    const leaves = receipts?.leaves ?? 0;
    const answer = await intake.accept({
      events: decoded.value,
      bytes: body.length,
      speaker: BENCH_SPEAKER,
      principal: 'bench',
    });
    if (answer.rejected.length > 0)
      throw new Error(`the bench sends what the intake refuses: ${JSON.stringify(answer.rejected[0])}`);
    if (receipts !== null && (await receipts.give(answer.leaves, leaves)) === null)
      throw new Error(`no receipt is given: ${receipts.failure}`);
    position = Math.max(position, answer.position);
    await onAccepted?.(ledger, answer.position);
    return answer.accepted.length;
  };
  const settle = project ? { settle: () => untilVisible(ledger, position) } : {};
  await pass(before.map(callOf), settle);
  const begun = threadTimes();
  const timed = await pass(bodies.map(callOf), { callers, atMostMs, ...settle });
  const ended = threadTimes();
  await run.atEnd?.();
  await projector.stop();
  await receipts?.stop();
  await notary?.stop();
  await ledger.close();
  const threads = old && begun && ended ? threadCosts(old, [begun, ended], timed.events) : null;
  return { ...timed, threads };
}

/** As a server has it, but for the map of subjects: it is brought up each second and not each minute, so that its cost is in the time. */
function benchNotary({ config, store, log, subjectMap, clock, metrics, logger, ownLane }: Ledger): Notary {
  const claim = claimOf({ kind: 'sqlite', file: join(config.dataDir, 'notary.lock') }, 'notary');
  const subjects = new MapKeeper(store, log.store, subjectMap, { clock, metrics, logger, everyMs: 1_000 });
  return new Notary(store, log.store, {
    claim,
    identity: log.keys.identity,
    subjects,
    lane: ownLane,
    clock,
    metrics,
    logger,
  });
}

/** Receipts as a server gives them, once the log has announced their key. */
async function benchReceipts({ store, log, clock, metrics, logger }: Ledger): Promise<Receipts> {
  const { published, keys } = log;
  const receipts = new Receipts(store, {
    ...log.receipts,
    log: keys.identity.origin,
    ...{ published, promiseMs: 60_000, clock, metrics, logger, everyMs: 100 },
  });
  receipts.start();
  while (receipts.failure !== null) await pause(20);
  return receipts;
}

async function untilVisible(ledger: Ledger, position: number): Promise<void> {
  const { position: reached } = await ledger.readModels.waitFor(position, 120_000);
  if (reached < position) throw new Error('the read models did not get there in two minutes');
}
