import type { Metrics } from '@sijill/platform';
import type { PartitionEnds } from './partition-ends.js';

const INTERVAL_MS = 5_000;

/**
 * How many records of each partition are not yet in its lane. Every few seconds the brokers are asked, since the lag is of
 * interest above all when no batch comes through.
 */
export class Lag {
  /** How far the lanes of this process are; remembered when they are given up for a failure. */
  private readonly reached = new Map<string, { topic: string; partition: number; next: number }>();
  private timer: NodeJS.Timeout | null = null;

  constructor(
    private readonly ends: PartitionEnds,
    private readonly metrics: Metrics,
  ) {}

  start(): void {
    this.timer = setInterval(() => void this.measure().catch(() => undefined), INTERVAL_MS);
    this.timer.unref();
  }

  stop(): void {
    if (this.timer !== null) clearInterval(this.timer);
  }

  /** @param next the offset of the first record that is not in the lane */
  note(topic: string, partition: number, high: number, next: number): void {
    this.reached.set(`${topic}/${partition}`, { topic, partition, next });
    this.metrics.kafkaLag.set({ topic, partition }, Math.max(0, high - next));
  }

  private async measure(): Promise<void> {
    for (const topic of new Set([...this.reached.values()].map((place) => place.topic))) {
      const ends = await this.ends.of(topic);
      for (const place of this.reached.values()) {
        const high = ends.get(place.partition)?.high;
        if (place.topic === topic && high !== undefined) this.note(topic, place.partition, high, place.next);
      }
    }
  }
}
