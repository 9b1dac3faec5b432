import { rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { SignerAddress } from '@sijill/platform';
import { signingKey } from '@sijill/transparency';
import { freshDataDir } from './sijill.js';

/** How a signer behaves. `away` ends with an error, or refuses connections; `garbage` says what is no answer; the rest is as named. */
export type SignerMode = 'well' | 'hang' | 'away' | 'garbage' | 'wrong bytes' | 'another key' | 'elsewhere';

/** Something outside this process that keeps keys, one for each generation, and can be told to behave badly. */
export interface TestSigner {
  readonly address: SignerAddress;
  become(mode: SignerMode): void;
  stop(): Promise<void>;
}

/** Says what no message may repeat. */
export const SECRET = 'a secret of the signer';
const TOKEN = 'token-of-the-signer';

/** A program of the test's, run for each answer. */
export async function commandSignerForTests(): Promise<TestSigner> {
  const folder = freshDataDir('signer');
  const program = join(import.meta.dirname, 'signer.program.js');
  return {
    address: { kind: 'command', command: [process.execPath, program, folder, '{generation}'] },
    become: (mode) =>
      mode === 'well' ? rmSync(join(folder, 'mode'), { force: true }) : writeFileSync(join(folder, 'mode'), mode),
    stop: async () => undefined,
  };
}

/** A server on this machine, which wants a token. */
export async function httpSignerForTests(): Promise<TestSigner> {
  let mode: SignerMode = 'well';
  const server: Server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const answer = (status: number, body: string): void =>
        void response.writeHead(status, { 'content-type': 'application/json' }).end(body);
      if (request.headers.authorization !== `Bearer ${TOKEN}`) return answer(401, '{}');
      if (mode === 'hang') return;
      if (mode === 'away') return answer(500, SECRET);
      if (mode === 'garbage') return answer(200, SECRET);
      if (mode === 'elsewhere') return void response.writeHead(307, { location: '/7' }).end();
      const generation = Number(request.url!.slice(1)) + (mode === 'another key' ? 100 : 0);
      const key = signingKey(new Uint8Array(32).fill(generation));
      const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
      if (request.method === 'GET') return answer(200, JSON.stringify({ publicKey: base64(key.publicKey) }));
      const { message } = JSON.parse(Buffer.concat(chunks).toString()) as { message: string };
      const signature = Buffer.from(key.sign(Buffer.from(message, 'base64')));
      if (mode === 'wrong bytes') signature[7]! ^= 1;
      answer(200, JSON.stringify({ signature: base64(signature) }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/{generation}`;
  return {
    address: { kind: 'http', url, token: TOKEN },
    become: (now) => (mode = now),
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
