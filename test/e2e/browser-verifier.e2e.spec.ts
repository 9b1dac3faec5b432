import { createHash, randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { CONFLICTING, LINKED, proofLines } from '@sijill/transparency';
import { openingOf, seal, secretOf } from '@sijill/vault';
import { describeWithChromium } from '../support/chromium/chromium.js';
import { BATCH, collected, disclosed } from '../support/events.js';
import {
  eventually,
  freshDataDir,
  logKeyOf,
  request,
  sijill,
  startServer,
  type TestServer,
} from '../support/sijill.js';
import { logSignature, proofText, SmallLog } from '../support/small-log.js';

const PHONE = '+966500000051';
const ACTOR = 'نورة <b>of</b> the desk';
const PAGE = join(import.meta.dirname, '../../dist/verifier/sijill-verifier.html');

type Opening = Record<'part' | 'keyId' | 'text' | 'key' | 'blinding', string>;
interface Unsealed {
  readonly entryId: string;
  readonly sealed: Record<string, Record<string, unknown>>;
  readonly opening: readonly Opening[];
}

describeWithChromium('the verifier in a browser', (chromium) => {
  let server: TestServer;
  let browser: Browser;
  const folder = freshDataDir('browser-verifier');
  const file = (name: string): string => join(folder, name);
  const asked: string[] = [];
  const faults: string[] = [];
  const pages: Page[] = [];

  beforeAll(async () => {
    browser = await chromium.launch();
    server = await startServer();
    const [producer, officer] = [await server.key('producer'), await server.key('officer')];
    const events = [
      collected(PHONE),
      ...Array.from({ length: 30 }, (_, i) =>
        disclosed(PHONE, { time: `2026-03-${10 + (i % 15)}T08:00:00Z` }, { actor: ACTOR, details: { batch: i } }),
      ),
      ...Array.from({ length: 300 }, () => disclosed('+966500000052')),
    ];
    // One is sent again, and does not count.
    events.push(events[4]!);
    const sent = await request<{ accepted: { entries: { entryId: string }[] }[] }>(`${server.url}/v1/events`, {
      key: producer,
      body: events,
      type: BATCH,
    });
    const { entryId } = sent.body.accepted[7]!.entries[0]!;
    const { body: proof } = await eventually(
      () => request<string>(`${server.url}/v1/entries/${entryId}/proof`, { key: officer }),
      ({ status }) => status === 200,
    );
    const leaf = await fetch(`${server.url}/v1/entries/${entryId}/leaf`, {
      headers: { authorization: `Bearer ${officer}` },
    });
    writeFileSync(file('entry.json'), Buffer.from(await leaf.arrayBuffer()));
    writeFileSync(file('entry.tlog-proof'), proof);
    const unseal = async (name: string, at: number): Promise<void> => {
      const { status, body } = await request<object>(
        `${server.url}/v1/entries/${sent.body.accepted[at]!.entries[0]!.entryId}/unseal`,
        { key: officer, body: { reason: 'a ticket' } },
      );
      expect(status).toBe(200);
      writeFileSync(file(name), JSON.stringify(body));
    };
    await unseal('unsealed.json', 7);
    await unseal('other-unsealed.json', 8);
    writeFileSync(file('log.vkey'), await logKeyOf(server));
    const args = [
      'report',
      'accounting',
      '--identifier',
      `phone:${PHONE}`,
      '--reason',
      'a request',
      '--format',
      'json',
    ];
    const made = async (out: string, audience: string): Promise<void> =>
      expect((await sijill([...args, '--audience', audience, '--out', file(out)], server.env)).code).toBe(0);
    await made('accounting.json', 'officer');
    await made('own.json', 'subject');
  });
  afterEach(async () => {
    for (const page of pages.splice(0)) await page.close();
    // Not one request but for the page itself, and nothing that the policy or the script stumbled over.
    expect(asked.splice(0).filter((url) => !url.startsWith('file:///'))).toEqual([]);
    expect(faults.splice(0)).toEqual([]);
  });
  afterAll(async () => {
    await browser.close();
    await server.kill();
  });

  const open = async (locale: string, width = 1000, address = `file://${PAGE}`): Promise<Page> => {
    const page = await browser.newPage({ locale, viewport: { width, height: 900 } });
    pages.push(page);
    page.on('request', (made) => asked.push(made.url()));
    page.on('pageerror', (error) => faults.push(error.message));
    page.on('console', (message) => faults.push(message.text()));
    await page.goto(address);
    return page;
  };
  /** Drops files on the page, as a hand would. */
  const drop = async (page: Page, ...names: string[]): Promise<void> => {
    const given = names.map((name) => ({ name, content: readFileSync(file(name)).toString('base64') }));
    const transfer = await page.evaluateHandle((files) => {
      const data = new DataTransfer();
      for (const { name, content } of files)
        data.items.add(new File([Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0))], name));
      return data;
    }, given);
    for (const event of ['dragenter', 'dragover', 'drop'])
      await page.dispatchEvent('main', event, { dataTransfer: transfer });
    // Each file is in the list, or its keys stand with the others.
    await page.waitForFunction(
      (count) => document.querySelectorAll('.files li').length >= count,
      names.filter((name) => name !== 'log.vkey').length,
    );
  };
  const said = async (page: Page): Promise<string> => {
    await page.waitForSelector('.result:not(.checking)');
    return (await page.textContent('.result')) ?? '';
  };
  /** Where the entry stands that was proven. */
  const indexOfEntry = (): string => /^index (\d+)$/m.exec(readFileSync(file('entry.tlog-proof'), 'utf8'))![1]!;
  const unsealed = (name: string): Unsealed => JSON.parse(readFileSync(file(name), 'utf8')) as Unsealed;
  /** What the list says of each file. */
  const listed = (page: Page): Promise<string[]> => page.locator('.files li').allTextContents();

  it('opens the proof of an entry that is dropped on it, and draws the way to the root', async () => {
    const page = await open('en-GB');
    expect(await said(page)).toContain("the log's verifier key");
    await drop(page, 'log.vkey');
    await drop(page, 'entry.json');
    expect(await said(page)).toMatch(/^Still needed:a proof$/);
    await drop(page, 'entry.tlog-proof');
    await page.waitForSelector('.result.holds');
    expect(await said(page)).toMatch(
      new RegExp(`It holds.*This is leaf ${indexOfEntry()}, counted from 0, of the 33\\d in the log .sijill/`),
    );
    const hashes = readFileSync(file('entry.tlog-proof'), 'utf8').split('\n\n')[0]!.split('\n').length - 2;
    expect(await page.locator('svg.path rect.given').count()).toBe(hashes);
    const root = readFileSync(file('entry.tlog-proof'), 'utf8').split('\n\n')[1]!.split('\n')[2]!;
    // The picture ends in the root that was signed.
    expect(await page.locator('svg.path text.hash').last().textContent()).toBe(
      Buffer.from(root, 'base64').toString('hex').slice(0, 10),
    );
    expect(await page.textContent('.result pre')).toContain('"sijill.data.disclosed.v1"');
  });

  it('opens an accounting with its report, in Arabic from right to left, on a small screen', async () => {
    const page = await open('ar-SA', 390);
    expect(await page.evaluate(() => [document.documentElement.lang, document.documentElement.dir])).toEqual([
      'ar',
      'rtl',
    ]);
    await page.fill('#keys', readFileSync(file('log.vkey'), 'utf8'));
    await drop(page, 'accounting.proof');
    await page.waitForSelector('.result.holds');
    expect(await said(page)).toContain('أسقط accounting.json أيضًا');
    await drop(page, 'accounting.json');
    await page.waitForFunction(() => document.querySelector('.result')!.textContent.includes('وعددها 30'));
    // What is read aloud is what is said; the table is there to be read.
    expect(await page.textContent('[role=status]')).toContain('لم يُحذف منها شيء');
    expect(await page.locator('[role=status] table').count()).toBe(0);
    expect(await page.locator('tbody tr').count()).toBeGreaterThanOrEqual(31);
    expect(await page.locator('svg.timeline circle').count()).toBeGreaterThanOrEqual(31);
    // To whom it went is seen without moving anything.
    expect((await page.locator('table').boundingBox())!.width).toBeLessThanOrEqual(390);
    // Nothing is wider than the screen but what can be moved in its frame.
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
    await page.click('header button');
    expect(await said(page)).toContain('It holds');
    expect(await page.evaluate(() => document.documentElement.dir)).toBe('ltr');
  });

  it('says what does not hold, and why', async () => {
    const page = await open('en-GB');
    await drop(page, 'log.vkey');
    writeFileSync(
      file('changed.json'),
      readFileSync(file('entry.json'), 'utf8').replace('provide_services', 'marketing'),
    );
    await drop(page, 'entry.tlog-proof', 'changed.json');
    await page.waitForSelector('.result.refused');
    expect(await said(page)).toContain('the proof leads to another root');

    const lines = [...proofLines(readFileSync(file('accounting.proof')))];
    const fourth = lines.findIndex((line) => line.startsWith('leaf ')) + 3;
    writeFileSync(file('less.proof'), lines.toSpliced(fourth, 1).join('\n'));
    await page.click('text=Start again');
    await drop(page, 'less.proof');
    await page.waitForSelector('.result.refused');
    expect(await said(page)).toMatch(/does not pass over just what lies between leaf \d+ and \d+/);

    await page.click('text=Start again');
    await page.fill('#keys', 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW');
    await drop(page, 'accounting.proof');
    await page.waitForSelector('.result.refused');
    expect(await said(page)).toContain('not signed by the log');
    await page.fill('#keys', 'no key');
    expect(await page.textContent('.fault')).toContain('no verifier key');
    await page.fill('#keys', readFileSync(file('log.vkey'), 'utf8'));
    await page.waitForSelector('.result.holds');
    await page.fill('#quorum', '1');
    expect(await said(page)).toContain('as many witnesses');
  });

  it('shows what an officer had opened of an entry: what holds, what it says, and what stays closed', async () => {
    const page = await open('en-GB');
    await drop(page, 'log.vkey', 'unsealed.json');
    expect(await said(page)).toMatch(/^Still needed:a proof$/);
    await drop(page, 'entry.json', 'entry.tlog-proof');
    await page.waitForSelector('.result.holds');
    expect(await page.textContent('[role=status]')).toMatch(
      /This is leaf .*What was opened is what is sealed in this entry: .what is the staff's., .what is the person's.\./,
    );
    expect(await page.textContent('[role=status]')).not.toContain('Sealed in it');
    expect(await page.locator('.opened caption').allTextContents()).toEqual([
      "what is the staff's",
      "what is the person's",
    ]);
    const values = Object.fromEntries(
      await page
        .locator('.opened tr')
        .evaluateAll((rows) => rows.map((row) => [...row.children].map((cell) => cell.textContent))),
    ) as Record<string, string>;
    const { sealed } = unsealed('unsealed.json');
    expect(values).toMatchObject({ actor: ACTOR, 'details › batch': '6', eventId: sealed['subject']!['eventId'] });
    expect(await page.textContent('.limits')).toContain('that what was reported to the ledger is true');

    await page.click('header button');
    await page.waitForSelector('.result.holds');
    expect(await page.textContent('[role=status]')).toContain('ما فُتح هو المختوم في هذا القيد');
    expect(await page.locator('.opened caption').allTextContents()).toEqual(['ما يخص الموظفين', 'ما يخص الشخص']);
    expect((await listed(page))[0]).toBe('unsealed.json قيد مفتوح');
    await page.click('header button');

    // One part alone, and none: what stays closed is named.
    const whole = unsealed('unsealed.json');
    const { staff } = whole.sealed;
    const one = { ...whole, sealed: { staff }, opening: whole.opening.filter(({ part }) => part === 'staff') };
    writeFileSync(file('one.json'), JSON.stringify(one));
    await drop(page, 'one.json');
    await page.waitForFunction(() => document.querySelectorAll('.opened').length === 1);
    expect(await said(page)).toMatch(
      /Sealed in it as well, and not opened here: .what is the person's.\. Of that nothing/,
    );
    expect((await listed(page))[0]).toBe('unsealed.json not looked at');
    await page.click('text=Start again');
    await drop(page, 'entry.json', 'entry.tlog-proof');
    expect(await said(page)).toMatch(
      /Sealed in it, and not looked at: .what is the staff's., .what is the person's.\./,
    );
  });

  it('says why an opening does not hold: a changed bit, another entry’s, one of no entry', async () => {
    const whole = unsealed('unsealed.json');
    const other = unsealed('other-unsealed.json');
    const changed = (part: string, change: (of: Opening) => Partial<Opening>): object => ({
      ...whole,
      opening: whole.opening.map((each) => (each.part === part ? { ...each, ...change(each) } : each)),
    });
    const flipped = (text: string): string => (text.startsWith('A') ? 'B' : 'A') + text.slice(1);
    const page = await open('en-GB');
    await drop(page, 'log.vkey', 'entry.json', 'entry.tlog-proof');
    for (const [content, reason] of [
      [other, 'the opening is of another entry'],
      [{ ...other, entryId: whole.entryId }, 'not the one whose hash the entry has'],
      [
        changed('staff', ({ key }) => ({ key: flipped(key) })),
        'the key is not the one that the sealed text commits to',
      ],
      [changed('subject', ({ text }) => ({ text: flipped(text) })), 'not the one whose hash the entry has'],
      [{ ...whole, sealed: { ...whole.sealed, staff: { actor: 'Huda' } } }, 'is not what the sealed parts say'],
      [{ ...whole, opening: [] }, 'nothing is opened in it'],
    ] as const) {
      writeFileSync(file('wrong.json'), JSON.stringify(content));
      await drop(page, 'wrong.json');
      await page.waitForFunction((words) => document.querySelector('.reason')?.textContent.includes(words), reason);
      expect(await page.getAttribute('.result', 'class')).toBe('result refused');
      expect(await page.locator('.opened').count()).toBe(0);
    }
    await page.click('header button');
    expect(await said(page)).toContain('غير صحيح');
    await drop(page, 'unsealed.json');
    await page.waitForSelector('.result.holds');
  });

  it('shows the bytes of a record that was not understood, and their text where they are one', async () => {
    const { sign, vkey } = logSignature('log.example');
    const log = new SmallLog(sign);
    const records = [Buffer.from('<img src=x onerror="document.title=1">'), Buffer.from([0xff, 0x00, 0x41])];
    for (const [at, bytes] of records.entries()) {
      const [secret, context] = [secretOf('quarantine/2026-07-01', randomBytes(32)), `entry-${at}/quarantine`];
      const text = seal(secret, context, bytes);
      const hash = createHash('sha256').update(text).digest('base64url');
      const keys = { quarantine: secret.keyId };
      log.entry('sijill.quarantine.record.v1', 'lane', { sealed: { quarantine: hash } }, { keys });
      const { key, blinding } = openingOf(secret, context);
      const opening = { part: 'quarantine', keyId: secret.keyId, text, key, blinding };
      const asText = { ...opening, key: key.toString('base64url'), blinding: blinding.toString('base64url') };
      const sealed = { quarantine: { base64: bytes.toString('base64') } };
      const unsealed = { entryId: `entry-${at}`, sealed, opening: [asText], destroyed: false };
      writeFileSync(file(`raw-${at}.json`), JSON.stringify(unsealed));
    }
    writeFileSync(file('raw.vkey'), vkey);
    const page = await open('en-GB');
    await page.fill('#keys', vkey);
    for (const [at, bytes] of records.entries()) {
      writeFileSync(file(`raw-leaf-${at}.json`), log.leaves[at]!);
      writeFileSync(file(`raw-${at}.tlog-proof`), log.proof(at));
      await page.click('text=Start again');
      await drop(page, `raw-leaf-${at}.json`, `raw-${at}.tlog-proof`, `raw-${at}.json`);
      await page.waitForSelector('.result.holds');
      const shown = await page.locator('.opened td').allTextContents();
      expect(shown).toEqual([...(at === 0 ? [bytes.toString()] : []), bytes.toString('base64')]);
    }
    expect(await page.locator('.result img').count()).toBe(0);
    expect(await page.title()).toBe('Proof verifier');
  });

  it('says what to do where the browser gives a page nothing to open sealed texts with', async () => {
    const page = await browser.newPage({ locale: 'en-GB' });
    pages.push(page);
    const html = readFileSync(PAGE, 'utf8');
    await page.route('http://ledger.example/**', (route) => route.fulfill({ body: html, contentType: 'text/html' }));
    await page.goto('http://ledger.example/log/verifier');
    await drop(page, 'log.vkey', 'entry.json', 'entry.tlog-proof');
    await page.waitForSelector('.result.holds');
    await drop(page, 'unsealed.json');
    expect(await said(page)).toMatch(/^Still needed:this page from a file of yours, or over https/);
  });

  it('tells of all who are linked, of what is not settled, and of what it did not compare', async () => {
    const page = await open('en-GB');
    await drop(page, 'log.vkey', 'accounting.proof', 'accounting.json');
    expect(await said(page)).toMatch(/Not compared, since it is sealed in the entries.*eventId/);

    // A log of its own, with what a real one has seldom.
    const { sign, vkey } = logSignature('log.example');
    const log = new SmallLog(sign);
    const [one, other] = ['1', '2'].map((end) => `5b1f2d2c-51a0-4f0e-9d52-0a1f5f0c7b1${end}`) as [string, string];
    for (const subjectId of [one, other]) log.entry(LINKED, 'ledger-vault', { subjectId, edges: ['e1'] });
    log.entry(CONFLICTING, 'ledger-vault', { subjectId: one, case: 'c1' });
    await log.writeMap();
    const foreign = log.foreign('ledger-subjects');
    writeFileSync(file('linked.vkey'), vkey);
    writeFileSync(file('linked.proof'), await log.accountingText(one, other));
    writeFileSync(file('half.proof'), await log.accountingText(one));
    writeFileSync(file('foreign.json'), log.leaves[foreign]!);
    writeFileSync(file('foreign.tlog-proof'), log.proof(foreign));
    const honest = await log.accounting([one, other]);
    const items = log.items([0, 1, 2, foreign], foreign);
    writeFileSync(file('forged.proof'), proofText({ ...honest, items }));

    await page.click('text=Start again');
    await page.fill('#keys', readFileSync(file('linked.vkey'), 'utf8'));
    await drop(page, 'linked.proof');
    await page.waitForSelector('.result.holds');
    expect(await said(page)).toMatch(/linked to the first are 1 more.*has not settled whether somebody else.*: 1\./);
    expect(await page.locator('ul.linked li').allTextContents()).toEqual([other]);
    for (const [name, reason] of [
      ['half.proof', `a subject is missing that is linked to ${one}`],
      ['forged.proof', 'of an event that the ledger has not written'],
    ] as const) {
      await page.click('text=Start again');
      await drop(page, name);
      await page.waitForSelector('.result.refused');
      expect(await said(page)).toContain(reason);
    }
    await page.click('text=Start again');
    await drop(page, 'foreign.json', 'foreign.tlog-proof');
    await page.waitForSelector('.result.holds');
    expect(await said(page)).toContain('The ledger has not written it');
  });

  it('says of what the person itself received that each line holds, and nothing of others', async () => {
    const page = await open('en-GB');
    await drop(page, 'log.vkey', 'own.proof', 'own.json');
    expect(await said(page)).toMatch(/Each of these 30 entries.*Whether there are others is not said.*each of its 30/);
    expect(await said(page)).not.toContain('left out');
    await page.click('header button');
    expect(await said(page)).toContain('ولا يُقال هنا هل توجد قيود غيرها');
  });

  it('says which files it has looked at, and judges the last proof', async () => {
    const page = await open('en-GB');
    await drop(page, 'log.vkey', 'accounting.proof', 'accounting.json');
    expect(await said(page)).toMatch(/It holds.*all 30 disclosures.*repeat an event.*: 1\./);
    // Whoever opens a document beside the proof must not think that it was proven.
    writeFileSync(file('accounting.pdf'), '%PDF-1.7');
    await drop(page, 'accounting.pdf', 'entry.json');
    expect(await said(page)).toContain('It holds');
    expect(await listed(page)).toEqual([
      'accounting.proof proof of an accounting',
      'accounting.json report',
      'accounting.pdf not looked at',
      'entry.json not looked at',
    ]);
    await drop(page, 'entry.tlog-proof');
    expect(await said(page)).toContain(`This is leaf ${indexOfEntry()},`);
    expect(await listed(page)).toEqual([
      'accounting.proof not looked at',
      'accounting.json not looked at',
      'accounting.pdf not looked at',
      'entry.json leaf',
      'entry.tlog-proof proof of an entry',
    ]);
    // The same keys once more are the same keys.
    await drop(page, 'log.vkey', 'log.vkey');
    await drop(page, 'accounting.proof');
    expect(await page.inputValue('#keys')).toBe(readFileSync(file('log.vkey'), 'utf8').trim());
  });

  it('leaves no answer standing when it cannot finish, and names a file that it cannot read', async () => {
    const page = await open('en-GB');
    await drop(page, 'log.vkey', 'entry.json', 'entry.tlog-proof');
    await page.waitForSelector('.result.holds');
    await page.evaluate(() => {
      File.prototype.arrayBuffer = () => Promise.reject(new DOMException('gone', 'NotReadableError'));
    });
    await drop(page, 'accounting.proof');
    await page.waitForFunction(() => document.querySelectorAll('.files li').length === 3);
    expect((await listed(page)).at(-1)).toBe('accounting.proof could not be read');
    await page.evaluate(() => {
      globalThis.BigInt = (() => {
        throw new Error('a broken browser');
      }) as never;
    });
    await page.fill('#quorum', '0');
    await page.waitForSelector('.result.failed');
    expect(await said(page)).toMatch(/^✗The check could not be finished.*a broken browser$/);
  });

  it('lets no answer of before stand beside what was given meanwhile', async () => {
    const page = await open('en-GB');
    await page.evaluate(() => {
      const decrypt = crypto.subtle.decrypt.bind(crypto.subtle);
      const counted = globalThis as { opened?: number };
      SubtleCrypto.prototype.decrypt = async (...given) => {
        await new Promise((resolve) => setTimeout(resolve, 700));
        counted.opened = (counted.opened ?? 0) + 1;
        return decrypt(...given);
      };
    });
    await drop(page, 'log.vkey', 'entry.json', 'entry.tlog-proof', 'unsealed.json');
    await page.waitForFunction(() => (globalThis as { opened?: number }).opened === 1);
    await page.click('text=Start again');
    await page.waitForSelector('.result.missing');
    await page.waitForFunction(() => (globalThis as { opened?: number }).opened === 2);
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(await said(page)).toMatch(/^Still needed:a proof$/);
  });

  it('takes a chosen file again when it has changed', async () => {
    const page = await open('en-GB');
    await page.setInputFiles('#files', ['log.vkey', 'entry.tlog-proof', 'entry.json'].map(file));
    await page.waitForSelector('.result.holds');
    writeFileSync(file('again.json'), 'another');
    for (const [content, verdict] of [
      [Buffer.from('another'), 'refused'],
      [readFileSync(file('entry.json')), 'holds'],
      [Buffer.from('another'), 'refused'],
    ] as const) {
      writeFileSync(file('again.json'), content);
      await page.setInputFiles('#files', file('again.json'));
      await page.waitForSelector(`.result.${verdict}`);
    }
  });

  it('obeys nothing that is in a file', async () => {
    const page = await open('en-GB');
    const evil = '<img src=x onerror="document.title=1"><script>document.title=1</script>';
    writeFileSync(file('evil.json'), JSON.stringify({ evil }));
    writeFileSync(file(`${encodeURIComponent(evil).slice(0, 100)}.txt`), evil);
    await drop(page, 'log.vkey');
    await drop(page, 'evil.json', 'entry.tlog-proof', `${encodeURIComponent(evil).slice(0, 100)}.txt`);
    await page.waitForSelector('.result.refused');
    expect(await page.locator('main img, main script').count()).toBe(0);
    expect(await page.title()).toBe('Proof verifier');
    // Nor could it by a mistake: text that is to become markup is refused by the browser itself.
    const written = await page.evaluate(() => {
      try {
        document.body.innerHTML = '<p>written</p>';
        return 'written';
      } catch (error) {
        return (error as Error).name;
      }
    });
    expect(written).toBe('TypeError');
    expect(faults.splice(0).join()).toContain('TrustedHTML');
  });

  it('can be used with the keyboard alone', async () => {
    const page = await open('en-GB');
    const reached: string[] = [];
    await said(page);
    for (let i = 0; i < 5; i++) {
      await page.keyboard.press('Tab');
      reached.push(
        await page.evaluate(() => document.activeElement?.id || (document.activeElement?.textContent ?? '')),
      );
      const outline = await page.evaluate(() => {
        const at = document.activeElement!;
        const shown = at.id === 'files' ? at.nextElementSibling! : at;
        return getComputedStyle(shown).outlineStyle;
      });
      expect(outline).not.toBe('none');
    }
    expect(reached).toEqual(['العربية', 'keys', 'quorum', 'files', 'Start again']);
  });

  it('is given by the server, and runs from there too', async () => {
    const response = await fetch(`${server.url}/log/verifier`);
    expect(response.headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
    expect(await response.text()).toBe(readFileSync(PAGE, 'utf8'));
    const page = await open('en-GB', 1000, `${server.url}/log/verifier`);
    await drop(page, 'log.vkey', 'entry.json', 'entry.tlog-proof');
    await page.waitForSelector('.result.holds');
    expect(asked.splice(0)).toEqual([`${server.url}/log/verifier`]);
    // Its policy lets nothing in or out: what runs is what was built.
    const sent = await page.evaluate(() =>
      fetch('http://127.0.0.1:9/').then(
        () => 'sent',
        (error: Error) => error.message,
      ),
    );
    expect(sent).not.toBe('sent');
    // That attempt is what the policy has told about.
    expect(faults.splice(0).join()).toContain('Content Security Policy');
    asked.length = 0;
  });
});
