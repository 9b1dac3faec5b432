import { writeFile, readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { freshDataDir } from '../sijill.js';
import type { Openssl } from './describe-with-openssl.js';

/** How the authority's key is made. */
export const KEYS = {
  RSA: ['rsa:2048'],
  'P-256': ['ec', '-pkeyopt', 'ec_paramgen_curve:P-256'],
  'P-384': ['ec', '-pkeyopt', 'ec_paramgen_curve:P-384'],
} as const;

type Section = 'authority' | 'bare' | 'choosy';

export interface Reply {
  readonly status?: number;
  readonly body: Uint8Array;
}

/** A time stamp authority on this machine: `openssl ts -reply` behind HTTP, with a certificate of its own. */
export class TimeStampAuthority {
  /** Queries that came, in DER. */
  readonly asked: Buffer[] = [];
  /** What is answered to a query. */
  answers: (query: Buffer) => Promise<Reply> = async (query) => ({ body: await this.stamp(query) });
  private files = 0;

  private constructor(
    private readonly openssl: Openssl,
    private readonly folder: string,
    private readonly server: Server,
  ) {}

  static async start(openssl: Openssl, key: keyof typeof KEYS = 'P-256'): Promise<TimeStampAuthority> {
    const folder = freshDataDir('time-stamp-authority');
    const run = (...args: string[]): Promise<string> => openssl.run(folder, ...args);
    await writeFile(join(folder, 'tsa.cnf'), CONFIGURATION);
    await writeFile(join(folder, 'serial'), '01\n');
    const ca = ['req', '-x509', '-nodes', '-days', '2', '-subj', '/CN=a time stamp root', '-config', 'tsa.cnf'];
    await run(...ca, '-newkey', 'rsa:2048', '-keyout', 'ca.key', '-out', 'ca.pem', '-extensions', 'ca');
    const request = ['req', '-nodes', '-subj', '/CN=a time stamp authority', '-config', 'tsa.cnf'];
    await run(...request, '-newkey', ...KEYS[key], '-keyout', 'tsa.key', '-out', 'tsa.csr');
    const issue = ['x509', '-req', '-in', 'tsa.csr', '-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial'];
    await run(...issue, '-days', '2', '-extfile', 'tsa.cnf', '-extensions', 'tsa', '-out', 'tsa.pem');
    const server = createServer();
    const authority = new TimeStampAuthority(openssl, folder, server);
    server.on('request', (request, response) => {
      const parts: Buffer[] = [];
      request.on('data', (part: Buffer) => parts.push(part));
      request.on('end', () => {
        const query = Buffer.concat(parts);
        authority.asked.push(query);
        const asQuery = request.headers['content-type'] === 'application/timestamp-query';
        void (asQuery ? authority.answers(query) : Promise.resolve({ status: 415, body: Buffer.of() })).then(
          ({ status = 200, body }) =>
            response.writeHead(status, { 'content-type': 'application/timestamp-reply' }).end(body),
          (error: unknown) => response.destroy(error as Error),
        );
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    // A test that fails before it stops the authority must not keep the run from ending.
    server.unref();
    return authority;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/tsr`;
  }

  /** Of the certificate that all trust has to come from. */
  get caFile(): string {
    return join(this.folder, 'ca.pem');
  }

  /** What OpenSSL answers. @param section of its configuration: `bare` says no more than it must, `choosy` takes no SHA-256 */
  async stamp(query: Uint8Array, section: Section = 'authority'): Promise<Buffer> {
    const name = `${this.files++}`;
    await writeFile(join(this.folder, `${name}.tsq`), query);
    const reply = [
      'ts',
      '-reply',
      '-config',
      'tsa.cnf',
      '-section',
      section,
      '-queryfile',
      `${name}.tsq`,
      '-out',
      `${name}.tsr`,
    ];
    await this.openssl.run(this.folder, ...reply);
    return readFile(join(this.folder, `${name}.tsr`));
  }

  /** A query as somebody else would make it. @param options of `openssl ts -query` */
  async query(text: string, ...options: string[]): Promise<Buffer> {
    const name = `${this.files++}`;
    await writeFile(join(this.folder, name), text);
    await this.openssl.run(this.folder, 'ts', '-query', '-data', name, '-out', `${name}.tsq`, ...options);
    return readFile(join(this.folder, `${name}.tsq`));
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

const CONFIGURATION = `
[req]
distinguished_name = name
[name]
[ca]
basicConstraints = critical,CA:TRUE
[tsa]
extendedKeyUsage = critical,timeStamping
keyUsage = critical,digitalSignature
[authority]
serial = serial
signer_cert = tsa.pem
signer_key = tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
accuracy = secs:1, millisecs:500
ordering = yes
tsa_name = yes
ess_cert_id_alg = sha256
[bare]
serial = serial
signer_cert = tsa.pem
signer_key = tsa.key
signer_digest = sha512
default_policy = 1.2.3.4.1
digests = sha256
[choosy]
serial = serial
signer_cert = tsa.pem
signer_key = tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha512
`;
