import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { generate } from 'selfsigned';

/** A certificate for loopback that is its own authority, and its key, both in PEM. */
export interface Certificate {
  readonly certificate: string;
  readonly privateKey: string;
  /** Where the certificate lies, for clients that take the authority's file. */
  readonly caFile: string;
}

/** Makes a certificate of this run's own, valid for the shortest time there is: a day. */
export async function makeCertificate(directory: string): Promise<Certificate> {
  const made = await generate([{ name: 'commonName', value: 'localhost' }], {
    keyType: 'ec',
    notAfterDate: new Date(Date.now() + 86_400_000),
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', digitalSignature: true, keyCertSign: true, critical: true },
      { name: 'extKeyUsage', serverAuth: true },
      {
        name: 'subjectAltName',
        altNames: [
          { type: 2, value: 'localhost' },
          { type: 7, ip: '127.0.0.1' },
        ],
      },
    ],
  });
  const caFile = join(directory, 'ca.pem');
  writeFileSync(caFile, made.cert);
  return { certificate: made.cert, privateKey: made.private, caFile };
}
