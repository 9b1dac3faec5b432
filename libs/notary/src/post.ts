/** Somebody else's server cannot be reached, or does not keep to the measure. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer';
}

export interface Answer {
  readonly status: number;
  /** The media type, in small letters and without parameters; empty when there is none. */
  readonly type: string;
  readonly body: Uint8Array;
}

const LONGEST_WAIT_MS = 10_000;
const LONGEST_ANSWER = 64 * 1024;

/** What somebody else's server is asked. */
export interface Question {
  readonly method: 'GET' | 'POST';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array<ArrayBuffer>;
}

/** Posts to somebody else's server, see `ask`. @throws NoAnswer */
export function post(
  url: string,
  type: string,
  body: string | Uint8Array<ArrayBuffer>,
  signal?: AbortSignal,
): Promise<Answer> {
  return ask(url, { method: 'POST', headers: { 'content-type': type }, body }, signal);
}

/**
 * Asks somebody else's server, and reads what it answers as far as an answer can be long. It is not followed elsewhere.
 *
 * @param signal ends the wait before its time
 * @throws NoAnswer
 */
export async function ask(url: string, question: Question, signal?: AbortSignal): Promise<Answer> {
  const timeout = AbortSignal.timeout(LONGEST_WAIT_MS);
  try {
    const response = await fetch(url, {
      ...question,
      redirect: 'error',
      signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
    });
    return {
      status: response.status,
      type: response.headers.get('content-type')?.split(';')[0]?.trim().toLowerCase() ?? '',
      body: await shortBody(response),
    };
  } catch (error) {
    if (error instanceof NoAnswer) throw error;
    throw new NoAnswer((error as Error).name === 'TimeoutError' ? 'did not answer in time' : 'cannot be reached');
  }
}

async function shortBody(response: Response): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of response.body ?? []) {
    parts.push(part as Uint8Array);
    length += (part as Uint8Array).length;
    if (length > LONGEST_ANSWER) throw new NoAnswer('answered more than an answer can be');
  }
  return Buffer.concat(parts);
}
