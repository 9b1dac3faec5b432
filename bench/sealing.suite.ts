import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { canonicalJson } from '@sijill/transparency';
import { seal, secretOf, unseal, unwrap, wrap } from '@sijill/vault';
import { pass, showProgress, type SuiteResult } from './measure.js';
import { sampleEvents } from './sample-events.js';
import { sideBySide, type Part, type Side } from './side-by-side.js';

const CALLS = 40;
const CALLS_AT_ONCE = 500;
const ROUNDS = 7;
const KEY = randomBytes(32);

/**
 * Wrapping a key and sealing a part of an entry, and both ways back, against nothing but the cipher: AES-256-GCM by `node:crypto`, over the
 * same bytes, with a random nonce and a key that is there.
 */
export async function sealingSuite({ quick }: { quick: boolean }): Promise<SuiteResult> {
  const scratch = mkdtempSync(join(tmpdir(), 'sijill-bench-'));
  const part = sealingPart(quick ? 4 : CALLS);
  try {
    const result = await sideBySide([part], { rounds: quick ? 1 : ROUNDS, scratch, judged: false });
    return { suite: 'sealing', durability: 'none: in memory', ...result };
  } finally {
    showProgress('');
    rmSync(scratch, { recursive: true });
  }
}

function sealingPart(calls: number): Part {
  const side = (name: string, work: () => void): Side => ({
    name,
    run: () =>
      pass(
        Array.from({ length: calls }, () => () => {
          for (let i = 0; i < CALLS_AT_ONCE; i++) work();
          return CALLS_AT_ONCE;
        }),
      ),
  });
  const secret = secretOf('subject/bench/1/default/self/2026', KEY);
  const rootKey = randomBytes(32);
  const [event] = sampleEvents(1);
  const text = canonicalJson(event);
  const [wrapped, sealed] = [wrap(KEY, 'subject/bench\n1', rootKey), seal(secret, 'bench/subject', text)];
  const [bareKey, bareText] = [encrypt(rootKey), encrypt(Buffer.from(text))];
  const sides = [
    side('wrap', () => wrap(KEY, 'subject/bench\n1', rootKey)),
    side('bare: encrypt 32 bytes', () => encrypt(rootKey)),
    side('unwrap', () => unwrap(KEY, 'subject/bench\n1', wrapped)),
    side('bare: decrypt 32 bytes', () => decrypt(bareKey)),
    side('seal', () => seal(secret, 'bench/subject', text)),
    side('bare: encrypt an entry', () => encrypt(Buffer.from(text))),
    side('unseal', () => unseal(secret, 'bench/subject', sealed)),
    side('bare: decrypt an entry', () => decrypt(bareText)),
  ];
  return {
    sides,
    comparisons: [0, 2, 4, 6].map((at) => {
      const [over, under] = [sides[at]!.name, sides[at + 1]!.name];
      return { name: `${over} / ${under}`, over, under };
    }),
    notes: [
      `an entry's text has ${Buffer.byteLength(text)} bytes; sealing derives its key (HMAC-SHA-512), commits to it (SHA-256), and writes base64url`,
    ],
    close: () => Promise.resolve(),
  };
}

interface Encrypted {
  readonly iv: Buffer;
  readonly bytes: Buffer;
  readonly tag: Buffer;
}

function encrypt(plaintext: Buffer): Encrypted {
  const iv = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', KEY, iv);
  return { iv, bytes: Buffer.concat([cipher.update(plaintext), cipher.final()]), tag: cipher.getAuthTag() };
}

function decrypt({ iv, bytes, tag }: Encrypted): Buffer {
  const decipher = createDecipheriv('aes-256-gcm', KEY, iv).setAuthTag(tag);
  return Buffer.concat([decipher.update(bytes), decipher.final()]);
}
