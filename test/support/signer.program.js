// A program that signs, as SIJILL_LOG_SIGNER=command:… runs one: signer.program.js FOLDER GENERATION WORD.
// FOLDER/mode says how it behaves: well, unless it is there; see test/support/signers.ts.
import { createPrivateKey, createPublicKey, sign } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const [folder, generation, word] = process.argv.slice(2);
const mode = existsSync(join(folder, 'mode')) ? readFileSync(join(folder, 'mode'), 'utf8') : 'well';
// What nobody may find in a log or in an answer.
process.stderr.write('a secret of the signer\n');
if (mode === 'hang') setInterval(() => undefined, 1000);
else if (mode === 'away') process.exit(3);
else if (mode === 'garbage') process.stdout.write('a secret of the signer\n');
else {
  const bytes = Buffer.alloc(32, Number(generation) + (mode === 'another key' ? 100 : 0));
  const key = createPrivateKey({
    key: Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), bytes]),
    format: 'der',
    type: 'pkcs8',
  });
  if (word === 'public-key') {
    const { x } = createPublicKey(key).export({ format: 'jwk' });
    process.stdout.write(`${Buffer.from(x, 'base64url').toString('base64')}\n`);
  } else {
    const chunks = [];
    for await (const chunk of process.stdin) chunks.push(chunk);
    const signature = sign(null, Buffer.concat(chunks), key);
    if (mode === 'wrong bytes') signature[7] ^= 1;
    process.stdout.write(`${signature.toString('base64')}\n`);
  }
}
