import { Kafka, logLevel } from 'kafkajs';

/**
 * True when the broker answers and its group coordinator does too.
 *
 * The coordinator comes last: its own topic is made by the first request for it, and until then a consumer's first
 * join is refused. Asking here keeps that out of the tests.
 */
export async function serves(brokers: string[]): Promise<boolean> {
  const client = new Kafka({
    brokers,
    clientId: 'sijill-tests-ready',
    logLevel: logLevel.NOTHING,
    connectionTimeout: 2_000,
    requestTimeout: 5_000,
    retry: { retries: 0 },
  });
  const admin = client.admin();
  try {
    await admin.connect();
    // Also teaches the client its brokers: without that, and without retries, it finds no coordinator.
    await admin.describeCluster();
    await admin.describeGroups(['sijill-tests-ready']);
    return true;
  } catch {
    return false;
  } finally {
    await admin.disconnect().catch(() => undefined);
  }
}
