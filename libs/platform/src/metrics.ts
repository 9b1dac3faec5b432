import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

/** What this process counts. Labels hold topics, codes and routes, never ids of people or anything a producer wrote. */
export class Metrics {
  readonly registry = new Registry();

  readonly eventsAccepted = new Counter({
    name: 'sijill_events_accepted_total',
    help: 'Events made durable, by way of arrival',
    labelNames: ['via'] as const,
    registers: [this.registry],
  });
  readonly entriesAppended = new Counter({
    name: 'sijill_entries_appended_total',
    help: 'Entries made durable, by way of arrival',
    labelNames: ['via'] as const,
    registers: [this.registry],
  });
  readonly eventsRejected = new Counter({
    name: 'sijill_events_rejected_total',
    help: 'Events refused over HTTP, by code of the first fault',
    labelNames: ['code'] as const,
    registers: [this.registry],
  });
  readonly pendingBytes = new Gauge({
    name: 'sijill_http_pending_bytes',
    help: 'Bytes of events over HTTP that were taken and not answered yet; refused beyond SIJILL_MAX_PENDING_BYTES',
    registers: [this.registry],
  });
  readonly quarantined = new Counter({
    name: 'sijill_quarantined_total',
    help: 'Kafka records put in quarantine, by reason',
    labelNames: ['topic', 'code'] as const,
    registers: [this.registry],
  });
  readonly foreignEntries = new Counter({
    name: 'sijill_foreign_entries_total',
    help: 'Events met in streams of the ledger that the ledger did not write',
    registers: [this.registry],
  });
  readonly personalKeys = new Counter({
    name: 'sijill_kafka_personal_keys_total',
    help: 'Kafka records whose key looked like a phone number or an email address',
    labelNames: ['topic'] as const,
    registers: [this.registry],
  });
  readonly kafkaMissed = new Counter({
    name: 'sijill_kafka_missed_records_total',
    help: 'Kafka records that were gone from their partition before they could be read',
    labelNames: ['topic'] as const,
    registers: [this.registry],
  });
  readonly kafkaRefused = new Gauge({
    name: 'sijill_kafka_partition_refused',
    help: '1 while a partition is not read because it is not the one that its lane was written from, else 0',
    labelNames: ['topic', 'partition'] as const,
    registers: [this.registry],
  });
  readonly kafkaLag = new Gauge({
    name: 'sijill_kafka_lag',
    help: 'Records of a partition that are not yet in its lane',
    labelNames: ['topic', 'partition'] as const,
    registers: [this.registry],
  });
  readonly projectionPosition = new Gauge({
    name: 'sijill_projection_position',
    help: 'Store position that a read model stands at',
    labelNames: ['read_model'] as const,
    registers: [this.registry],
  });
  readonly projectionFailing = new Gauge({
    name: 'sijill_projection_failing',
    help: '1 while a read model stands still because it threw, else 0',
    labelNames: ['read_model'] as const,
    registers: [this.registry],
  });
  readonly storePosition = new Gauge({
    name: 'sijill_store_position',
    help: 'Highest store position this process has seen',
    registers: [this.registry],
  });
  readonly logSize = new Gauge({
    name: 'sijill_log_size',
    help: 'Leaves of the transparency log, as this notary has committed them',
    registers: [this.registry],
  });
  readonly checkpointSize = new Gauge({
    name: 'sijill_checkpoint_size',
    help: 'Leaves that the last checkpoint signed here covers',
    registers: [this.registry],
  });
  readonly checkpointSigned = new Gauge({
    name: 'sijill_checkpoint_signed_seconds',
    help: 'When the last checkpoint was signed here, in POSIX time',
    registers: [this.registry],
  });
  readonly notaryRefusing = new Gauge({
    name: 'sijill_notary_refusing',
    help: '1 while the notary signs nothing because the store does not hold what was signed, else 0',
    registers: [this.registry],
  });
  readonly receipts = new Counter({
    name: 'sijill_receipts_total',
    help: 'Receipts that were asked for: given, or withheld because the log is behind or the key cannot sign',
    labelNames: ['outcome'] as const,
    registers: [this.registry],
  });
  readonly mapSize = new Gauge({
    name: 'sijill_subject_map_size',
    help: 'Leaves of the log that the map of subjects covers',
    registers: [this.registry],
  });
  readonly mapFailing = new Gauge({
    name: 'sijill_subject_map_failing',
    help: '1 while the map of subjects cannot be extended, else 0',
    registers: [this.registry],
  });
  readonly witnessCosigned = new Gauge({
    name: 'sijill_witness_cosigned_size',
    help: 'Leaves that the last checkpoint covers which a witness has cosigned',
    labelNames: ['witness'] as const,
    registers: [this.registry],
  });
  readonly witnessFailing = new Gauge({
    name: 'sijill_witness_failing',
    help: '1 while a witness does not cosign, else 0',
    labelNames: ['witness'] as const,
    registers: [this.registry],
  });
  readonly witnessQuorum = new Gauge({
    name: 'sijill_witness_quorum',
    help: '1 while as many witnesses cosign as are needed, also when none is; else 0',
    registers: [this.registry],
  });
  readonly timeStamped = new Gauge({
    name: 'sijill_time_stamped_seconds',
    help: 'When a checkpoint was last stamped by the time stamp authority, in POSIX time',
    registers: [this.registry],
  });
  readonly timeStampFailing = new Gauge({
    name: 'sijill_time_stamp_failing',
    help: '1 while the time stamp authority does not stamp, else 0',
    registers: [this.registry],
  });
  readonly vaultKeysLeft = new Gauge({
    name: 'sijill_vault_keys_left',
    help: 'What in the vault is still made with keys of the keyring before the current ones',
    labelNames: ['keys'] as const,
    registers: [this.registry],
  });
  readonly httpSeconds = new Histogram({
    name: 'sijill_http_request_seconds',
    help: 'HTTP requests by route and status',
    labelNames: ['method', 'route', 'status'] as const,
    buckets: [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers: [this.registry],
  });

  constructor() {
    this.witnessQuorum.set(1);
  }

  /** Adds the process's own figures (memory, event loop, descriptors). */
  collectProcess(): void {
    collectDefaultMetrics({ register: this.registry });
  }
}
