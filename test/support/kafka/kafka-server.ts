/** A broker for tests. */
export interface KafkaServer {
  /** `host:port`, as kafkajs takes them. */
  readonly brokers: string[];
  /** Where it came from: named in KAFKA_BROKERS, a container, or Java on this machine. */
  readonly source: 'environment' | 'docker' | 'java';
  /** Ends the broker and removes its data; a broker from the environment is left alone. */
  stop(): Promise<void>;
}

/** A broker of our own that can be made to crash and come back, on the same port with the same data. */
export interface KafkaProcess extends KafkaServer {
  readonly source: 'java';
  /** Ends it without a chance to shut down (SIGKILL). */
  kill(): Promise<void>;
  /** Starts it again after `kill`; resolves when it serves. */
  restart(): Promise<void>;
  /** Freezes it: connections stay open, and nothing is answered. */
  freeze(): void;
  /** Lets it go on. */
  thaw(): void;
  /** The end of what the broker printed. */
  logTail(): Promise<string>;
}
