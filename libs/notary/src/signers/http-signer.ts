import { toBase64 } from '@sijill/transparency';
import { ask, NoAnswer, type Question } from '../post.js';
import type { KeptOutside } from './outside-signer.js';
import { SignerFailed } from './signer-failed.js';

/**
 * A server that keeps a key: GET gives `{"publicKey":…}`, and POST of `{"message":…}` gives `{"signature":…}`, JSON with base64 in it.
 *
 * @param token the bearer token that it is shown; null: none
 */
export function httpSigner(url: string, token: string | null, timeLimitMs: number): KeptOutside {
  const { origin, pathname } = new URL(url);
  const name = `${origin}${pathname}`;
  const member = async (which: string, question: Question): Promise<string> => {
    const headers = {
      ...question.headers,
      accept: 'application/json',
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
    };
    try {
      const { status, body } = await ask(url, { ...question, headers }, AbortSignal.timeout(timeLimitMs));
      if (status !== 200) throw new SignerFailed(`the signer ${name} answered ${status}`);
      const { [which]: value } = (JSON.parse(Buffer.from(body).toString('utf8')) ?? {}) as Record<string, unknown>;
      return typeof value === 'string' ? value : '';
    } catch (error) {
      if (error instanceof NoAnswer) throw new SignerFailed(`the signer ${name} ${error.message}`);
      if (error instanceof SyntaxError) throw new SignerFailed(`the signer ${name} answered with what is no JSON`);
      throw error;
    }
  };
  return {
    name,
    publicKey: () => member('publicKey', { method: 'GET' }),
    sign: (message) =>
      member('signature', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ message: toBase64(message) }),
      }),
  };
}
