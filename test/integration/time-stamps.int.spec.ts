import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { OctetString } from 'asn1js';
import fc from 'fast-check';
import { id_ContentType_Data, SignedData, TimeStampResp } from 'pkijs';
import {
  askForTimeStamp,
  assertStamped,
  formatStampRequest,
  LogStore,
  NotStamped,
  TimeStamps,
  type SignedCheckpoint,
} from '@sijill/notary';
import { createLogger, Metrics, type SqlTarget } from '@sijill/platform';
import { describeWithOpenssl } from '../support/openssl/describe-with-openssl.js';
import { KEYS, TimeStampAuthority } from '../support/openssl/time-stamp-authority.js';
import { describeWithPostgres } from '../support/postgres/describe-with-postgres.js';
import { eventually, freshDataDir } from '../support/sijill.js';

const TEXT = 'log.example\n17\nAAAA\n';
const never = new AbortController().signal;

describeWithOpenssl("a time stamp authority's answer", (openssl) => {
  const nonce = new Uint8Array([0x40, 2, 3, 0xff]);
  const request = { text: TEXT, nonce };
  let authority: TimeStampAuthority;
  let good: Buffer;
  /** What is said of an answer; null when it is taken. */
  const judged = async (answer: Uint8Array): Promise<string | null> =>
    assertStamped(answer, request).then(
      () => null,
      (error: unknown) => {
        expect(error).toBeInstanceOf(NotStamped);
        return (error as Error).message;
      },
    );

  beforeAll(async () => {
    authority = await TimeStampAuthority.start(openssl);
    good = await authority.stamp(formatStampRequest(request));
  });
  afterAll(() => authority.stop());

  it.each(Object.keys(KEYS) as (keyof typeof KEYS)[])('is taken when it is right, signed with %s', async (key) => {
    const other = await TimeStampAuthority.start(openssl, key);
    try {
      for (const section of ['authority', 'bare'] as const)
        expect(await judged(await other.stamp(formatStampRequest(request), section))).toBeNull();
    } finally {
      await other.stop();
    }
  });

  it('is refused when it is of something else, or for another request', async () => {
    const { text } = request;
    const about = (change: Partial<typeof request>): Promise<Buffer> =>
      authority.stamp(formatStampRequest({ ...request, ...change }));
    expect(await judged(await about({ text: `${text} ` }))).toContain('something else');
    expect(await judged(await about({ nonce: new Uint8Array([0x40, 2, 3, 0xfe]) }))).toContain('another request');
    expect(await judged(await authority.stamp(await authority.query(text, '-sha256', '-cert', '-no_nonce')))).toContain(
      'another request',
    );
  });

  it('is refused without the certificate of who signed it, or with a signature that does not hold', async () => {
    const query = formatStampRequest(request);
    expect([...query.subarray(-3)]).toEqual([1, 1, 0xff]);
    const withoutWish = query.slice(0, -3);
    withoutWish[1]! -= 3;
    expect(await judged(await authority.stamp(withoutWish))).toContain('signature does not hold');
    const broken = Buffer.from(good);
    broken[broken.length - 1]! ^= 1;
    expect(await judged(broken)).toContain('signature does not hold');
    // GeneralizedTime, its fifteen letters from the year on.
    const later = Buffer.from(good);
    later[good.indexOf(Buffer.from([0x18, 0x0f])) + 5]! ^= 1;
    expect(await judged(later)).toContain('signature does not hold');
  });

  it('is refused when it is a refusal, which says why', async () => {
    expect(await judged(await authority.stamp(formatStampRequest(request), 'choosy'))).toBe(
      'refuses to stamp: it does not take SHA-256',
    );
  });

  it('is refused when it is none', async () => {
    const deep = Buffer.alloc(60_000, Buffer.from([0x30, 0x80]));
    const wide = Buffer.concat([Buffer.from([0x30, 0x83, 0, 0xea, 0x60]), Buffer.alloc(60_000, Buffer.from([5, 0]))]);
    const behind = Buffer.concat([good, Buffer.of(0)]);
    for (const answer of [Buffer.of(), Buffer.from('<html>'), good.subarray(0, -1), behind, deep, wide])
      expect(await judged(answer)).toBe('answered with no answer of a time stamp authority');
  });

  it('is refused when it holds something else than one time stamp of one authority', async () => {
    const made = (change: (signed: SignedData, answer: TimeStampResp) => void): Buffer => {
      const answer = TimeStampResp.fromBER(good);
      const signed = new SignedData({ schema: answer.timeStampToken!.content });
      change(signed, answer);
      answer.timeStampToken!.content = signed.toSchema(true);
      return Buffer.from(answer.toSchema().toBER());
    };
    expect(await judged(made(() => undefined))).toBeNull();
    expect(await judged(made(({ signerInfos }) => signerInfos.push(signerInfos[0]!)))).toContain('signature does not');
    expect(await judged(made(({ signerInfos }) => signerInfos.pop()))).toContain('signature does not hold');
    expect(await judged(made(({ encapContentInfo }) => (encapContentInfo.eContentType = id_ContentType_Data)))).toBe(
      'answered with something else than a time stamp',
    );
    expect(
      await judged(made(({ encapContentInfo }) => (encapContentInfo.eContent = new OctetString({ valueHex: nonce })))),
    ).toBe('answered with what is no time stamp');
    expect(await judged(made((_, answer) => (answer.timeStampToken!.contentType = id_ContentType_Data)))).toBe(
      'answered without a time stamp',
    );
  });

  it('is refused or right, however it is changed', async () => {
    const change = fc.record({ at: fc.nat(good.length - 1), to: fc.nat(255), cut: fc.nat(3) });
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 4 }), async (changes) => {
        let answer = Buffer.from(good);
        for (const { at, to, cut } of changes) {
          answer[Math.min(at, answer.length - 1)] = to;
          if (cut === 3) answer = Buffer.concat([answer.subarray(0, at), answer.subarray(at + 1)]);
        }
        await judged(answer);
      }),
      { numRuns: 1500 },
    );
  });
});

const HOUR = 3_600_000;

function suite(authorityOf: () => TimeStampAuthority, place: () => Promise<SqlTarget>): void {
  let now = Date.parse('2026-08-01T10:00:00Z');
  let log: LogStore;
  let checkpoint: SignedCheckpoint | null;
  let stop: AbortController;
  const running: Promise<void>[] = [];
  const metrics = new Metrics();

  const signed = (size: number, more = ''): SignedCheckpoint => ({
    size,
    position: size,
    root: new Uint8Array(32),
    signedAt: '',
    note: `log.example\n${size}\nAAAA\n\n— log.example AAAA\n${more}`,
  });
  const start = (): TimeStamps => {
    const stamps = new TimeStamps(log, {
      url: authorityOf().url,
      published: async () => checkpoint,
      clock: { now: () => now },
      metrics,
      logger: createLogger('silent'),
    });
    running.push(stamps.run(stop.signal));
    return stamps;
  };
  const stampedSize = async (): Promise<number | null> => (await log.lastStamped())?.size ?? null;

  beforeEach(async () => {
    log = await LogStore.open(await place());
    checkpoint = null;
    stop = new AbortController();
    authorityOf().asked.length = 0;
  });
  afterEach(async () => {
    stop.abort();
    await Promise.all(running.splice(0));
    await log.close();
  });

  it('keeps the first checkpoint as it was when it was stamped, and then one an hour at most', async () => {
    checkpoint = signed(5);
    const stamps = start();
    await eventually(stampedSize, (size) => size === 5);
    const kept = (await log.lastStamped())!;
    expect(kept).toMatchObject({ size: 5, note: checkpoint.note, stampedAt: '2026-08-01T10:00:00.000Z' });
    checkpoint = signed(9, '— witness AAAA\n');
    now += HOUR - 1;
    await pause(1_200);
    expect([await stampedSize(), authorityOf().asked.length]).toEqual([5, 1]);
    expect(stamps.health).toEqual({
      last: { size: 5, stampedAt: '2026-08-01T10:00:00.000Z', ageSeconds: 3600 },
      failure: null,
      failingSince: null,
    });
    now += 1;
    await eventually(stampedSize, (size) => size === 9);
    expect((await log.lastStamped())!.note).toBe(checkpoint.note);
    expect((await log.firstStamped(1))!.size).toBe(5);
    expect((await log.firstStamped(5))!.answer).toEqual(kept.answer);
    expect((await log.firstStamped(6))!.size).toBe(9);
    expect(await log.firstStamped(10)).toBeNull();
    // The log has not grown: there is nothing new to say.
    now += HOUR;
    await pause(1_200);
    expect(authorityOf().asked).toHaveLength(2);
  });

  it('knows after a start when the last one was, and is not silenced by a clock that was wrong', async () => {
    await log.addTimeStamp({
      size: 3,
      note: 'x',
      answer: Buffer.of(1),
      stampedAt: new Date(now - HOUR + 5_000).toISOString(),
    });
    checkpoint = signed(4);
    const stamps = start();
    await eventually(
      async () => stamps.health.last,
      (last) => last?.size === 3,
    );
    await pause(700);
    expect(authorityOf().asked).toHaveLength(0);
    await log.addTimeStamp({ size: 4, note: 'x', answer: Buffer.of(1), stampedAt: '2036-01-01T00:00:00.000Z' });
    checkpoint = signed(5);
    await eventually(stampedSize, (size) => size === 5);
  });

  it('says what is wrong, keeps nothing of it, and goes on by itself', async () => {
    const authority = authorityOf();
    const honest = authority.answers;
    const stamps = start();
    const seen = (what: RegExp): Promise<unknown> =>
      eventually(
        async () => stamps.health.failure,
        (failure) => failure !== null && what.test(failure),
      );
    try {
      authority.answers = async () => ({ status: 500, body: Buffer.of() });
      checkpoint = signed(1);
      await seen(/^answered 500$/);
      const since = stamps.health.failingSince;
      authority.answers = async () => ({ body: Buffer.alloc(70_000) });
      await seen(/more than an answer can be/);
      expect(stamps.health.failingSince).toBe(since);
      expect(await metrics.registry.metrics()).toContain('sijill_time_stamp_failing 1');
      expect(await log.lastStamped()).toBeNull();
      // An answer to what somebody else has asked.
      authority.answers = async () => ({
        body: await authority.stamp(await authority.query(checkpoint!.note, '-sha256', '-cert')),
      });
      await seen(/another request/);
    } finally {
      authority.answers = honest;
    }
    await eventually(stampedSize, (size) => size === 1);
    await eventually(
      async () => stamps.health.failure,
      (failure) => failure === null,
    );
    expect(await metrics.registry.metrics()).toContain(`sijill_time_stamped_seconds ${now / 1000}`);
  }, 60_000);

  it('stops at once when the authority lets it wait, and has two ask without harm', async () => {
    const authority = authorityOf();
    const honest = authority.answers;
    authority.answers = () => new Promise(() => undefined);
    checkpoint = signed(2);
    start();
    await eventually(
      async () => authority.asked.length,
      (asked) => asked > 0,
    );
    authority.answers = honest;
    const begun = Date.now();
    stop.abort();
    await running.pop();
    expect(Date.now() - begun).toBeLessThan(1_000);
    stop = new AbortController();
    start();
    start();
    await eventually(stampedSize, (size) => size === 2);
    const kept = (await log.lastStamped())!;
    expect(kept.note).toBe(checkpoint.note);
    await log.addTimeStamp({ ...kept, note: 'of one that has lost its claim' });
    expect(await log.lastStamped()).toEqual(kept);
  });
}

describeWithOpenssl('time stamps', (openssl) => {
  let authority: TimeStampAuthority;
  beforeAll(async () => {
    authority = await TimeStampAuthority.start(openssl);
  });
  afterAll(() => authority.stop());

  it('are asked for under a fresh nonce each', async () => {
    await askForTimeStamp(authority.url, TEXT, never);
    await askForTimeStamp(authority.url, TEXT, never);
    const [one, two] = authority.asked.slice(-2);
    expect(one!.equals(two!)).toBe(false);
    await expect(askForTimeStamp('http://127.0.0.1:1/tsr', TEXT, never)).rejects.toThrow('cannot be reached');
  });

  describe('in SQLite', () => {
    suite(
      () => authority,
      async () => ({ kind: 'sqlite', file: join(freshDataDir('time-stamps'), 'log.sqlite') }),
    );
  });

  describeWithPostgres('in PostgreSQL', (postgres) => {
    suite(
      () => authority,
      async () => ({ kind: 'postgresql', url: await postgres.freshDatabase('sijill') }),
    );
  });
});
