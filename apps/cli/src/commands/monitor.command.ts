import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import type { Command } from 'commander';
import { Counter, Gauge, Registry } from 'prom-client';
import { EXIT, WrongUse } from '../exit-codes.js';
import { LogMonitor, type Alarm } from '../verification/log-monitor.js';
import { logSource, LogUnreadable } from '../verification/log-source.js';
import { trustOf, withTrust, type TrustOptions } from '../verification/trust-options.js';

interface MonitorOptions extends TrustOptions {
  readonly state: string;
  readonly every: string;
  readonly stalled: string;
  readonly once?: boolean;
  readonly webhook?: string;
  readonly metricsPort?: string;
}

export function addMonitor(program: Command): void {
  withTrust(program.command('monitor'))
    .summary('follow a log from outside, and raise an alarm when it is not one history')
    .description(
      'Looks at a log again and again: each checkpoint must be signed, and have grown from the one seen before. Alarms are a fork, a ' +
        'roll-back, a log that has not grown for too long, a checkpoint that does not hold, and, once, a loss of entries that the log has put on record. The checkpoints that show it are kept. A change ' +
        'of keys that the log has announced is followed.',
    )
    .argument('<address>', "the log's address, or a folder with a copy")
    .option('--state <file>', 'where to keep what was seen', 'sijill-monitor.json')
    .option('--every <seconds>', 'how often to look', '60')
    .option('--stalled <minutes>', 'how long a log may stay as it is; ours grows at least once an hour', '120')
    .option('--once', 'look once, and answer by the exit code')
    .option('--webhook <url>', 'is sent each new alarm as JSON')
    .option('--metrics-port <port>', 'serve figures for Prometheus on this port of 127.0.0.1')
    .addHelpText(
      'after',
      '\nExit codes: 0 all was well, 1 there was an alarm, 3 the log cannot be read.\n' +
        '\nExamples:\n  $ sijill monitor https://ledger.example/log --key log.vkey\n' +
        '  $ sijill monitor https://ledger.example/log --key log.vkey --once --state /var/lib/monitor/ledger.json',
    )
    .action(async (address: string, options: MonitorOptions) => {
      const [everyMs, stalledMs] = [
        1_000 * positive(options.every, '--every'),
        60_000 * positive(options.stalled, '--stalled'),
      ];
      const monitor = new LogMonitor(logSource(address), await trustOf(options), options.state, stalledMs);
      const figures = new Figures();
      if (options.metricsPort !== undefined) figures.serve(positive(options.metricsPort, '--metrics-port'));
      const tell = (line: object, text: string): void =>
        void process.stdout.write(options.json === true ? `${JSON.stringify(line)}\n` : `${text}\n`);
      let told = '';
      for (;;) {
        const at = new Date().toISOString();
        try {
          const { size, alarm, newKeys } = await monitor.look();
          figures.looked(size, alarm);
          if (newKeys !== null)
            tell(
              { at, ok: true, size: String(size), newKeys },
              `${at} the log has changed its keys; trusted are now ${newKeys.join(' and ')}`,
            );
          if (alarm === null) {
            if (options.once === true || told !== String(size))
              tell({ at, ok: true, size: String(size) }, `${at} ${size} entries, one history`);
            told = String(size);
          } else {
            process.exitCode = EXIT.no;
            const { kind, detail } = alarm;
            tell({ at, ok: false, size: String(size), alarm: { kind, detail } }, `${at} ALARM ${kind}: ${detail}`);
            if (told !== detail) await raise(alarm, at, options);
            told = detail;
          }
        } catch (error) {
          if (!(error instanceof LogUnreadable) || options.once === true) throw error;
          figures.unreadable.inc();
          tell({ at, ok: null, reason: error.message }, `${at} cannot look: ${error.message}`);
        }
        if (options.once === true) return;
        await pause(everyMs);
      }
    });
}

/** Keeps the evidence of an alarm, and hands it on. */
async function raise(alarm: Alarm, at: string, { state, webhook }: MonitorOptions): Promise<void> {
  const file = `${state}.${alarm.kind}.${at.replace(/[:.]/g, '-')}`;
  await writeFile(file, `${JSON.stringify({ at, ...alarm }, null, 2)}\n`);
  process.stderr.write(`the checkpoints that show it are in ${file}\n`);
  if (webhook === undefined) return;
  const sent = await fetch(webhook, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ at, ...alarm }),
    signal: AbortSignal.timeout(10_000),
  }).catch((error: unknown) => error as Error);
  if (sent instanceof Error || !sent.ok) process.stderr.write(`${webhook} did not take the alarm\n`);
}

function positive(text: string, option: string): number {
  const value = Number(text);
  if (!Number.isFinite(value) || value <= 0) throw new WrongUse(`${option} takes a number above zero`);
  return value;
}

class Figures {
  private readonly registry = new Registry();
  private readonly size = new Gauge({
    name: 'sijill_monitor_log_size',
    help: 'Entries of the log as it was last seen',
    registers: [this.registry],
  });
  private readonly lookedAt = new Gauge({
    name: 'sijill_monitor_looked_seconds',
    help: 'When the log was last looked at, in POSIX time',
    registers: [this.registry],
  });
  private readonly alarms = new Counter({
    name: 'sijill_monitor_alarms_total',
    help: 'Looks that ended in an alarm, by kind',
    labelNames: ['kind'] as const,
    registers: [this.registry],
  });
  readonly unreadable = new Counter({
    name: 'sijill_monitor_unreadable_total',
    help: 'Looks at which the log could not be read',
    registers: [this.registry],
  });

  looked(size: bigint, alarm: Alarm | null): void {
    this.lookedAt.set(Date.now() / 1000);
    if (alarm === null) this.size.set(Number(size));
    else this.alarms.inc({ kind: alarm.kind });
  }

  serve(port: number): void {
    createServer((_, response) => {
      void this.registry
        .metrics()
        .then((text) => response.writeHead(200, { 'content-type': this.registry.contentType }).end(text));
    })
      .listen(port, '127.0.0.1')
      .unref();
  }
}
