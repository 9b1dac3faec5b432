import fc from 'fast-check';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getDocument } from 'pdfjs-dist/legacy/build/pdf.mjs';
import { accountingCsv, accountingJson, accountingReference, compileAccountingPdf } from '@sijill/reports';
import { accounting, disclosure } from '../support/sample-disclosures.js';
import { describeWithVeraPdf } from '../support/verapdf/describe-with-verapdf.js';

/** The text of each page, as a reader of the file gets it. */
async function pagesOf(pdf: Buffer): Promise<string[]> {
  const document = await getDocument({ data: new Uint8Array(pdf), verbosity: 0 }).promise;
  const pages: string[] = [];
  for (let n = 1; n <= document.numPages; n++) {
    const { items } = await (await document.getPage(n)).getTextContent();
    pages.push(items.map((item) => ('str' in item ? item.str : '')).join(' '));
  }
  await document.destroy();
  return pages;
}

/** Letters and digits only: how a reader cuts lines and spaces is its own affair. */
const bare = (text: string): string => text.normalize('NFKC').replace(/[^\p{L}\p{N}]/gu, '');

const several = accounting([
  disclosure(1),
  disclosure(2, {
    recipient: {
      id: 'court-riyadh',
      name: 'محكمة الرياض',
      class: 'authority',
      capacity: 'public_authority',
      country: 'SA',
    },
    purpose: 'legal_compliance',
    legalBasis: 'legal_obligation',
    ground: 'law',
    method: 'paper',
    occasion: 'once',
    request: { reference: '12/7 of 1448', sha256: 'ab'.repeat(32) },
    minimumNecessary: null,
  }),
  disclosure(3, {
    recipient: {
      id: 'cloud',
      name: 'Rheinland Cloud',
      class: 'service_provider',
      capacity: 'processor',
      country: 'DE',
    },
    dataCategories: ['message.delivery_record'],
    transferBasis: 'standard_contractual_clauses',
  }),
]);

describe('the accounting of disclosures', () => {
  it('adds up by recipient and by category', () => {
    expect(several.totals).toEqual({
      entries: 3,
      byRecipient: [
        { id: 'carrier-najd', name: 'Najd Mobile', count: 1 },
        { id: 'cloud', name: 'Rheinland Cloud', count: 1 },
        { id: 'court-riyadh', name: 'محكمة الرياض', count: 1 },
      ],
      byCategory: [
        { category: 'contact.phone', count: 2 },
        { category: 'message.content', count: 2 },
        { category: 'message.delivery_record', count: 1 },
      ],
    });
  });

  it('says the same in CSV as in JSON, a row an entry', () => {
    const [header, ...rows] = accountingCsv(several).toString().trimEnd().split('\r\n');
    expect(header).toBe(
      'entryId,occurredAt,recordedAt,recipient.id,recipient.name,recipient.class,recipient.capacity,recipient.country,' +
        'dataCategories,purpose,legalBasis,ground,method,occasion,request.reference,request.sha256,minimumNecessary,' +
        'transferBasis,policyVersion,producer,system,source,eventId,sealed',
    );
    expect(rows.map((row) => row.split(',')[0])).toEqual(several.disclosures.map(({ entryId }) => entryId));
    expect(rows[1]).toContain(',12/7 of 1448,');
    expect(rows[0]).toContain(',message.delivery_record,');
    expect(rows[2]).toContain(',contact.phone; message.content,');
    expect(JSON.parse(accountingJson(several).toString())).toEqual(several);
  });

  it('never hands a spreadsheet something to run', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('=', '+', '-', '@', '\t', '\r', '＝'),
        fc.string({ unit: 'binary' }),
        (first, rest) => {
          const name = `${first}${rest}`;
          const csv = accountingCsv(accounting([disclosure(1, { recipient: { ...disclosure(1).recipient, name } })]));
          const plain = `'${name}`;
          const cell = /[",\r\n]/.test(plain) ? `"${plain.replaceAll('"', '""')}"` : plain;
          expect(csv.toString()).toContain(`carrier-najd,${Buffer.from(cell).toString()},service_provider`);
        },
      ),
    );
  });

  it.each(['en', 'ar'] as const)('is a PDF/A in %s that names every entry, recipient and total', async (language) => {
    const pdf = await compileAccountingPdf(several, { language });
    const raw = pdf.toString('latin1');
    expect(raw).toMatch(/<pdfaid:part>2<\/pdfaid:part>/);
    expect(raw).toMatch(/<pdfaid:conformance>A<\/pdfaid:conformance>/);
    const pages = await pagesOf(pdf);
    const text = bare(pages.join(''));
    for (const { entryId, eventId, recipient } of several.disclosures) {
      const latin = /^[ -~]*$/.test(recipient.name) ? [recipient.name] : [];
      expect([entryId, eventId, ...latin].filter((each) => !text.includes(bare(each)))).toEqual([]);
    }
    const { reference, sha256 } = accountingReference(several);
    expect(text).toContain(bare(reference));
    expect(text).toContain(sha256);
    expect(text).toContain('966500000042');
    expect(text).toContain(bare('12/7 of 1448'));
    expect(text).toContain('4711');
    if (language === 'en') {
      expect(pages[0]).toContain('access request 17');
      pages.forEach((page, i) => expect(bare(page)).toContain(bare(`Page ${i + 1} of ${pages.length}`)));
      expect(text).toContain(bare('3 July 2026'.replace('3', '1')));
      expect(text).toContain(bare('16 Muharram 1448 AH'));
    } else {
      // Shaped Arabic comes back in presentation order; the words are there all the same.
      expect(text).toMatch(/محكمة|ةمكحم/u);
      expect(text).toContain('المرسل');
      expect(pages.join('').replace(/[^\p{M}]/gu, '')).toBe('');
    }
  });

  it('repeats the head of its table on every page', async () => {
    const long = accounting(Array.from({ length: 120 }, (_, i) => disclosure(i)));
    const pages = await pagesOf(await compileAccountingPdf(long, { language: 'en' }));
    expect(pages.length).toBeGreaterThan(5);
    for (const page of pages.slice(1)) expect(bare(page)).toContain(bare('Data disclosed'));
  }, 60_000);

  it('says so where there is nothing to account for', async () => {
    const pages = await pagesOf(await compileAccountingPdf(accounting([]), { language: 'en' }));
    expect(pages.join(' ')).toContain('No disclosure on record');
  });

  it('is the same to the byte when it is made again, and another when anything differs', async () => {
    const once = await compileAccountingPdf(several, { language: 'ar' });
    expect((await compileAccountingPdf(several, { language: 'ar' })).equals(once)).toBe(true);
    const other = { ...several, asOf: { ...several.asOf, position: 4712 } };
    expect((await compileAccountingPdf(other, { language: 'ar' })).equals(once)).toBe(false);
    expect(accountingReference(other)).not.toEqual(accountingReference(several));
  });

  it('takes whatever text producers send: no markup, no missing glyph, no turned direction', async () => {
    const names = ['#evil[x]', '$a^2$', '\u202Eevil', '漢字', '😀', 'a\u0000b', '*bold*', '"json"', 'x'.repeat(1500)];
    const strange = accounting(
      names.map((name, i) => disclosure(i, { recipient: { ...disclosure(1).recipient, id: `r${i}`, name } })),
    );
    for (const language of ['en', 'ar'] as const) {
      const text = (await pagesOf(await compileAccountingPdf(strange, { language }))).join('').replace(/\s/g, '');
      const found = ['#evil[x]', '*bold*', '[U+1F600]', '[U+202E]'].filter((name) => text.includes(name));
      expect(found).toEqual(['#evil[x]', '*bold*', '[U+1F600]', '[U+202E]']);
    }
  }, 60_000);
});

describeWithVeraPdf('the accounting of disclosures, judged by another', (verapdf) => {
  it('keeps to PDF/A-2a in both languages, whatever text it holds', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sijill-pdf-'));
    const strange = accounting(
      ['\u202Eevil', '漢字 😀', 'a\u0000b', 'محكمة الرياض', 'Zoë\u0301', 'x'.repeat(300)].map((name, i) =>
        disclosure(i, { recipient: { ...disclosure(1).recipient, id: `r${i}`, name } }),
      ),
    );
    const files: string[] = [];
    for (const [name, dataset] of Object.entries({ several, strange, empty: accounting([]) })) {
      for (const language of ['en', 'ar'] as const) {
        const file = join(folder, `${name}-${language}.pdf`);
        writeFileSync(file, await compileAccountingPdf(dataset, { language }));
        files.push(file);
      }
    }
    const said = await verapdf.judge('2a', files);
    expect(said).toEqual(files.map(() => expect.stringMatching(/^compliant, \d{4,} checks$/)));
  }, 120_000);
});
