import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { openCheckpoint, parseNote, parseReceipt, parseVerifierKey, textOf, tilesOfCopy } from '@sijill/transparency';
import { BATCH, disclosed, SINGLE } from '../support/events.js';
import { eventually, freshDataDir, request, sijill, startServer, type TestServer } from '../support/sijill.js';

interface Answer {
  readonly accepted: readonly { readonly duplicate: boolean; readonly entries: readonly { entryId: string }[] }[];
  readonly rejected: readonly { readonly index: number }[];
  readonly receipt: string | null;
}

interface Sent {
  readonly status: number;
  readonly applied: string | null;
  readonly body: Answer;
}

const PHONE = '+966500000042';
const PROMISED_SECONDS = 20;
const BY_HASH = 'whether these leaves are those of the entries that it names (--leaf)';

describe('a receipt', () => {
  let server: TestServer;
  let producer: string;
  let officer: string;
  const folder = freshDataDir('receipts');
  const save = (name: string, content: string | Uint8Array): string => {
    const file = join(folder, name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content);
    return file;
  };
  const send = async (body: unknown, prefer: string | null = 'return=receipt', type = BATCH): Promise<Sent> => {
    const response = await fetch(`${server.url}/v1/events`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${producer}`,
        'content-type': type,
        ...(prefer === null ? {} : { prefer }),
      },
      body: JSON.stringify(body),
    });
    return {
      status: response.status,
      applied: response.headers.get('preference-applied'),
      body: (await response.json()) as Answer,
    };
  };
  const promised = (receipt: string | null): string[] =>
    parseReceipt(parseNote(receipt!).text).entries.map(({ id }) => id);
  const accepted = ({ body }: Sent): string[] =>
    body.accepted.flatMap(({ entries }) => entries.map(({ entryId }) => entryId));
  const verify = async (
    file: string,
    place: string,
    ...args: string[]
  ): Promise<{ code: number; answer: Record<string, unknown>; stderr: string }> => {
    const { code, stdout, stderr } = await sijill(['verify', 'receipt', file, '--log', place, ...args, '--json'], {});
    return { code, stderr, answer: stdout === '' ? {} : (JSON.parse(stdout) as Record<string, unknown>) };
  };
  const fetched = async (path: string): Promise<Uint8Array> =>
    new Uint8Array(await (await fetch(`${server.url}/log/${path}`)).arrayBuffer());
  /** Copies the public log, as anybody may. */
  const copyLog = async (name: string): Promise<string> => {
    save(`${name}/receipt-keys`, await fetched('receipt-keys'));
    const note = await fetched('checkpoint');
    const { size } = openCheckpoint(textOf(note), { log: [parseVerifierKey(key)] });
    for (const { path } of tilesOfCopy(size)) save(`${name}/${path}`, await fetched(path));
    return dirname(save(`${name}/checkpoint`, note));
  };
  /** What is verified of a receipt of the log as it is now, once it was kept. */
  const kept = async (file: string): Promise<Record<string, unknown>> => {
    const asked = (): ReturnType<typeof verify> => verify(file, `${server.url}/log/`, '--key', key);
    const { answer } = await eventually(asked, ({ code }) => code === 0);
    return answer;
  };
  let key = '';
  let late: Sent;
  let dueAt = 0;

  beforeAll(async () => {
    server = await startServer({ SIJILL_RECEIPT_SECONDS: String(PROMISED_SECONDS) });
    producer = await server.key('producer');
    officer = await server.key('officer');
    // Given once the log has announced the key, a moment after the first start.
    await eventually(
      () => send([disclosed(PHONE)]),
      ({ body }) => body.receipt !== null,
    );
    key = (await request<string>(`${server.url}/log/vkey`)).body.trim();
    // What the log was before is what it would be if it never took these in; due by the time that a later test looks.
    await copyLog('early');
    late = await send([disclosed(PHONE), disclosed(PHONE)]);
    dueAt = Date.now() + 1000 * PROMISED_SECONDS;
  });
  afterAll(() => server.kill());

  it('comes with the answer to whoever asks for it, over what is accepted and nothing else', async () => {
    const without = await send([disclosed(PHONE)], null);
    expect([without.status, without.body.receipt, without.applied]).toEqual([201, null, null]);
    const other = await send([disclosed(PHONE)], 'return=minimal, return=receipt');
    expect([other.body.receipt, other.applied]).toEqual([null, null]);
    expect((await send([])).body.receipt).toBeNull();

    const single = await send(disclosed(PHONE), 'respond-async, Return=receipt', SINGLE);
    expect([single.status, single.applied]).toEqual([201, 'return=receipt']);
    expect(promised(single.body.receipt)).toEqual(accepted(single));

    const twoPeople = disclosed(
      PHONE,
      {},
      {
        dataSubjects: [PHONE, '+966500000043'].map((value) => ({ identifiers: [{ scheme: 'phone', value }] })),
      },
    );
    const mixed = await send([disclosed(PHONE), { nonsense: true }, twoPeople, disclosed('nobody')]);
    expect([mixed.status, mixed.body.rejected.map(({ index }) => index)]).toEqual([201, [1, 3]]);
    expect(promised(mixed.body.receipt)).toEqual(accepted(mixed));
    expect(accepted(mixed)).toHaveLength(3);

    const refused = await send([{ nonsense: true }]);
    expect([refused.status, refused.applied, 'receipt' in refused.body]).toEqual([422, null, false]);
  });

  it('of an event that comes again is over the entry that it makes then', async () => {
    const event = disclosed(PHONE);
    const [first, again] = [await send([event]), await send([event])];
    expect(again.body.accepted[0]!.duplicate).toBe(true);
    for (const sent of [first, again]) expect(promised(sent.body.receipt)).toEqual(accepted(sent));
    expect(accepted(again)).not.toEqual(accepted(first));
    expect(await kept(save('again', again.body.receipt!))).toMatchObject({ holds: true, promise: 'kept', missing: [] });
  });

  it('is kept by the log, over HTTP and in a copy of it, and says what that covers', async () => {
    const sent = await send(Array.from({ length: 300 }, () => disclosed(PHONE)));
    const file = save('receipt', `${sent.body.receipt!}\n`);
    const live = await kept(file);
    const copied = await verify(file, await copyLog('copy'), '--key', save('log.vkey', key));
    for (const answer of [live, copied.answer]) {
      expect(answer).toMatchObject({ holds: true, promise: 'kept', origin: parseVerifierKey(key).name, missing: [] });
      expect((answer['entries'] as { entryId: string }[]).map(({ entryId }) => entryId)).toEqual(accepted(sent));
    }
    const copy = join(folder, 'copy');
    const { stdout } = await sijill(['verify', 'receipt', file, '--log', copy, '--key', key], {});
    expect(stdout).toMatch(
      /^Holds: the signature of the receipt; .* by its hash; .*\nNot covered: .*\n.* KEPT; whether in time is not shown\.\n$/,
    );
    const { answer } = await verify(
      file,
      copy,
      '--key',
      key,
      '--as-of',
      parseReceipt(parseNote(sent.body.receipt!).text).acceptedAt,
    );
    expect([answer['promise'], answer['notCovered']]).toEqual([
      'kept',
      expect.arrayContaining(['that they were there in time, but for your word or your clock']),
    ]);
  });

  it('is shown to be about the entries that it names by their leaves', async () => {
    const sent = await send([disclosed(PHONE), disclosed(PHONE)]);
    const file = save('two', sent.body.receipt!);
    await kept(file);
    const leafOf = async (id: string): Promise<string> => {
      const response = await fetch(`${server.url}/v1/entries/${id}/leaf`, {
        headers: { authorization: `Bearer ${officer}` },
      });
      return save(`leaf-${id}`, new Uint8Array(await response.arrayBuffer()));
    };
    const [one, two] = (await Promise.all(accepted(sent).map(leafOf))) as [string, string];
    const given = (...leaves: string[]): ReturnType<typeof verify> =>
      verify(file, `${server.url}/log`, '--key', key, ...leaves.flatMap((leaf) => ['--leaf', leaf]));
    expect(await given(one)).toMatchObject({ code: 0, answer: { notCovered: expect.arrayContaining([BY_HASH]) } });
    const { code, answer } = await given(two, one);
    expect([code, answer['notCovered']]).toEqual([0, expect.not.arrayContaining([BY_HASH])]);
    expect(answer['covers']).toContain('that 2 of its ids are those of their leaves');
    const other = await given(one, await leafOf(accepted(late)[0]!));
    expect([other.code, other.answer['reason']]).toEqual([1, expect.stringContaining('of none of the entries')]);
  });

  it('that is not kept is shown to be broken, with the entry, once it is due; and before that nothing is said', async () => {
    const [early, sent] = [join(folder, 'early'), late];
    const file = save('late', sent.body.receipt!);
    const waiting = await verify(file, early, '--key', key);
    expect([waiting.code, waiting.answer]).toEqual([
      3,
      expect.objectContaining({ holds: null, promise: 'pending', missing: accepted(sent) }),
    ]);
    // Announcements that were kept later, under a checkpoint that the copy has not come to, make it no other.
    const keys = save('keys', await fetched('receipt-keys'));
    expect(await verify(file, early, '--key', key, '--receipt-keys', keys)).toMatchObject({
      code: 3,
      answer: { promise: 'pending' },
    });
    const due = await eventually(
      async () => Date.now(),
      (now) => now > dueAt,
      1000 * PROMISED_SECONDS,
    );
    const asOf = new Date(due).toISOString();
    const broken = await verify(file, early, '--key', key, '--as-of', asOf);
    expect([broken.code, broken.answer]).toEqual([
      1,
      expect.objectContaining({ holds: false, promise: 'broken', missing: accepted(sent) }),
    ]);
    const { code, stdout } = await sijill(
      ['verify', 'receipt', file, '--log', early, '--key', key, '--as-of', asOf],
      {},
    );
    expect([code, stdout]).toEqual([1, expect.stringMatching(/^DOES NOT HOLD\. [^]*BROKEN/)]);
    expect(stdout).toContain(accepted(sent)[1]);
  });

  it('is nothing when it was changed, and what cannot be read is no answer', async () => {
    const { body } = await send([disclosed(PHONE)]);
    const changed = save('changed', body.receipt!.replace(/\ndue 2/, '\ndue 3'));
    const copy = join(folder, 'copy');
    expect(await verify(changed, copy, '--key', key)).toMatchObject({
      code: 1,
      answer: { holds: false, reason: expect.stringContaining('does not hold') },
    });
    const whole = save('whole', body.receipt!);
    for (const [file, place, said] of [
      [save('garbled', body.receipt!.slice(1)), copy, 'is no receipt'],
      [whole, join(folder, 'nowhere'), 'cannot be read'],
    ] as const)
      expect(await verify(file, place, '--key', key)).toMatchObject({
        code: 3,
        stderr: expect.stringContaining(said),
      });
    expect(await verify(whole, copy, '--key', key, '--as-of', '2026-02-30T12:00:00Z')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--as-of takes a time that is over'),
    });
  });

  it('does not depend on what the log shows of its keys later, for whoever has kept that', async () => {
    const [file, copy] = [join(folder, 'receipt'), join(folder, 'copy')];
    renameSync(join(copy, 'receipt-keys'), join(copy, 'kept'));
    save('copy/receipt-keys', '{"format":"sijill receipt keys v1","announcements":[]}');
    const unknown = await verify(file, copy, '--key', key);
    expect([unknown.code, unknown.answer['holds'], unknown.answer['promise']]).toEqual([3, null, 'pending']);
    const { code, answer } = await verify(file, copy, '--key', key, '--as-of', new Date().toISOString());
    expect([code, answer['holds'], answer['promise']]).toEqual([1, false, undefined]);
    expect(await verify(file, copy, '--key', key, '--receipt-keys', join(copy, 'kept'))).toMatchObject({
      code: 0,
      answer: { promise: 'kept' },
    });
  });

  it('is counted', async () => {
    const { body } = await request<string>(`${server.url}/metrics`);
    expect(Number(/^sijill_receipts_total\{outcome="given"\} (\d+)$/m.exec(body)?.[1])).toBeGreaterThan(5);
  });
});
