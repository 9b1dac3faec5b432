import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { CONFLICTING, LINKED, proofLines } from '@sijill/transparency';
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
const PAGE = join(import.meta.dirname, '../../dist/verifier/sijill-verifier.html');

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
      ...Array.from({ length: 30 }, (_, i) => disclosed(PHONE, { time: `2026-03-${10 + (i % 15)}T08:00:00Z` })),
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
