import fc from 'fast-check';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getDocument } from 'pdfjs-dist/legacy/build/pdf.mjs';
import type { Disclosure } from '@sijill/contracts';
import {
  accountingCsv,
  accountingJson,
  accountingReference,
  compileAccountingPdf,
  type AccountingDataset,
} from '@sijill/reports';
import { accounting, disclosure, SUBJECT } from '../support/sample-disclosures.js';
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

/** The JSON and the CSV of an accounting, as they come into their files. */
const jsonOf = ({ disclosures, ...head }: AccountingDataset): Promise<string> =>
  bytesOf(accountingJson(head, disclosures));
const csvOf = ({ disclosures }: AccountingDataset): Promise<string> => bytesOf(accountingCsv(disclosures));

/** Through bytes: half of a character is written as what stands for it. */
async function bytesOf(pieces: AsyncIterable<string>): Promise<string> {
  const bytes: Buffer[] = [];
  for await (const piece of pieces) bytes.push(Buffer.from(piece));
  return Buffer.concat(bytes).toString();
}

/** Letters and digits only: how a reader cuts lines and spaces is its own affair. */
const bare = (text: string): string => text.normalize('NFKC').replace(/[^\p{L}\p{N}]/gu, '');

const several = accounting([
  disclosure(1),
  disclosure(2, {
    recipient: {
      ...disclosure(2).recipient,
      id: 'court-riyadh',
      name: 'محكمة الرياض',
      class: 'authority',
      capacity: 'public_authority',
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
    recipient: { ...disclosure(3).recipient, id: 'cloud', name: 'Rheinland Cloud', country: 'DE' },
    dataCategories: ['message.delivery_record'],
    transferBasis: 'standard_clauses',
  }),
]);

const LINKED = '5b1f2d2c-51a0-4f0e-9d52-0a1f5f0c7b12';

/** All that a document may have to say beside the plain case. */
const unsettled = accounting(
  [
    disclosure(1, {
      subjectId: LINKED,
      recipient: { ...disclosure(1).recipient, contact: 'Desk 4', reference: 'case-for-carrier' },
      onBehalfOf: { id: 'shop-7', name: 'Dates of Hasa', kind: 'organization' },
      effectOnOthers: 'The sender is named too',
      processingActivity: 'ropa-12',
    }),
    disclosure(2, { standing: 'conflict', method: 'other', clauses: ['share.service_providers', 'use.audit'] }),
    disclosure(3, {
      recipient: { ...disclosure(3).recipient, id: 'person-x1', name: null, kind: 'person', class: 'partner' },
      eventId: null,
    }),
  ],
  {
    linked: [LINKED],
    identifiers: [
      { subjectId: SUBJECT, scheme: 'phone', realm: null, value: '+966500000042', since: null, until: null },
      { subjectId: LINKED, scheme: 'account', realm: 'billing', value: 'acc-9', since: null, until: null },
      {
        subjectId: LINKED,
        scheme: 'national_id',
        realm: 'SA',
        value: '1010101010',
        since: null,
        until: '2026-07-15T00:00:00.000Z',
      },
    ],
    openConflicts: 1,
  },
);

describe('the accounting of disclosures', () => {
  it('adds up by recipient and by category', () => {
    expect(several.totals).toEqual({
      entries: 3,
      conflicts: 0,
      withheld: 0,
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

  it('says the same in CSV as in JSON, a row an entry', async () => {
    const [header, ...rows] = (await csvOf(several)).trimEnd().split('\r\n');
    expect(header).toBe(
      'entryId,subjectId,occurredAt,recordedAt,recipient.id,recipient.name,recipient.kind,recipient.class,' +
        'recipient.capacity,recipient.country,recipient.contact,recipient.reference,dataCategories,purpose,legalBasis,' +
        'ground,method,occasion,request.reference,request.sha256,minimumNecessary,effectOnOthers,transferBasis,' +
        'policyVersion,producer,onBehalfOf.id,onBehalfOf.name,onBehalfOf.kind,system,processingActivity,source,eventId,' +
        'standing,verdict,clauses,sealed',
    );
    expect(rows.map((row) => row.split(',')[0])).toEqual(several.disclosures.map(({ entryId }) => entryId));
    expect(rows[1]).toContain(',12/7 of 1448,');
    expect(rows[0]).toContain(',message.delivery_record,');
    expect(rows[2]).toContain(',contact.phone; message.content,');
    expect(JSON.parse(await jsonOf(several))).toEqual(several);
  });

  it('is written disclosure by disclosure, and the same to the byte as if it were written as a whole', async () => {
    const strange = accounting([disclosure(1, { effectOnOthers: 'two\nlines, "quoted"\u2028[]', purpose: '[]' })]);
    for (const dataset of [several, unsettled, strange, accounting([])])
      expect(await jsonOf(dataset)).toBe(`${JSON.stringify(dataset, null, 2)}\n`);
    // It begins before anything is read, and no more than one is waited for.
    const read: number[] = [];
    const one = function* (): Generator<Disclosure> {
      for (let n = 1; n <= 3; n++) {
        read.push(n);
        yield disclosure(n);
      }
    };
    const { disclosures: _, ...head } = several;
    for (const pieces of [accountingJson(head, one()), accountingCsv(one())]) {
      read.length = 0;
      await pieces.next();
      expect(read).toEqual([]);
      await pieces.next();
      expect(read).toEqual([1]);
    }
  });

  it('counts conflicts apart, and says in the CSV whatever is no list of objects', async () => {
    expect(unsettled.totals).toMatchObject({ entries: 3, conflicts: 1, withheld: 0 });
    const [, ...rows] = (await csvOf(unsettled)).trimEnd().split('\r\n');
    expect(rows[0]).toContain(',person-x1,,person,partner,');
    expect(rows[1]).toMatch(/,conflict,,share\.service_providers; use\.audit,closed$/);
    expect(rows[2]).toContain(`,${LINKED},`);
    expect(rows[2]).toContain(',shop-7,Dates of Hasa,organization,gateway-3,ropa-12,');
    expect(rows[2]).toContain(',Desk 4,case-for-carrier,');
    // Each member that a row of the JSON has is a column, but for lists of objects.
    const header = (await csvOf(unsettled)).split('\r\n')[0]!.split(',');
    const inJson = Object.entries(unsettled.disclosures[2]!).flatMap(([name, value]) =>
      value !== null && typeof value === 'object' && !Array.isArray(value)
        ? Object.keys(value).map((part) => `${name}.${part}`)
        : [name],
    );
    expect(inJson.filter((name) => !header.includes(name))).toEqual(['request', 'notices']);
  });

  it.each(['en', 'ar'] as const)(
    'tells in %s who is meant, what is not settled, and which row conflicts',
    async (language) => {
      const pages = await pagesOf(await compileAccountingPdf(unsettled, { language }));
      const text = bare(pages.join(''));
      for (const said of [LINKED, SUBJECT, 'acc-9', 'billing', '1010101010', 'Dates of Hasa', 'ropa-12', 'named too'])
        expect([said, text.includes(bare(said))]).toEqual([said, true]);
      // What the recipient calls the person, and whom to call there, is not the person's business.
      expect(text).not.toContain(bare('case-for-carrier'));
      expect(text).not.toContain(bare('Desk 4'));
      if (language === 'en') {
        const first = bare(pages[0]!);
        expect(first).toContain(bare('It is not settled whether somebody else'));
        expect(first).toContain(bare('Marked as conflicting: 1.'));
        expect(first).toContain(bare('until 15 July 2026'));
        expect(text.split(bare('Conflicting event'))).toHaveLength(2);
      }
      const plain = bare((await pagesOf(await compileAccountingPdf(several, { language }))).join(''));
      const marks = { en: ['It is not settled', 'Marked as conflicting', 'Conflicting event'], ar: ['متعارض'] };
      for (const mark of marks[language]) expect(plain).not.toContain(bare(mark));
      expect(plain).toContain(bare('accounting.proof'));
    },
  );

  it('never hands a spreadsheet something to run', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('=', '+', '-', '@', '\t', '\r', '＝'),
        fc.string({ unit: 'binary' }),
        async (first, rest) => {
          const name = `${first}${rest}`;
          const csv = await csvOf(accounting([disclosure(1, { recipient: { ...disclosure(1).recipient, name } })]));
          const plain = `'${name}`;
          const cell = /[",\r\n]/.test(plain) ? `"${plain.replaceAll('"', '""')}"` : plain;
          expect(csv).toContain(`carrier-najd,${Buffer.from(cell).toString()},organization`);
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
      const latin = /^[ -~]*$/.test(recipient.name!) ? [recipient.name!] : [];
      expect([entryId, eventId!, ...latin].filter((each) => !text.includes(bare(each)))).toEqual([]);
    }
    const { reference, sha256 } = await accountingReference(several);
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
    expect(await accountingReference(other)).not.toEqual(await accountingReference(several));
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
    for (const [name, dataset] of Object.entries({ several, unsettled, strange, empty: accounting([]) })) {
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
