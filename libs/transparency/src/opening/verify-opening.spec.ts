import { createHash, randomBytes } from 'node:crypto';
import { contextOf, keyIdOf, openingOf, seal, secretOf, type Secret } from '@sijill/vault';
import fc from 'fast-check';
import { canonicalJson } from '../canonical-json.js';
import { readLeaf, type LeafEntry } from '../leaf-entry.js';
import { isRefusal } from '../tree/proofs.js';
import { readSealedText } from './sealed-text.js';
import { verifyOpening } from './verify-opening.js';

const ID = '0198a1b2-0000-7000-8000-000000000001';
const OTHER = '0198a1b2-0000-7000-8000-000000000002';
const subject = secretOf('subject/s/1/default/self/2026', randomBytes(32));
const staff = secretOf('staff/2026', randomBytes(32));
const shared = secretOf('shared/7', randomBytes(32));

interface Part {
  readonly secret: Secret;
  readonly context: string;
  readonly says: unknown;
}
const partsOf = (id: string): Record<string, Part> => ({
  subject: {
    secret: subject,
    context: `${id}/subject`,
    says: { eventId: 'e-1', fields: { 'request.reference': 'ة-7' } },
  },
  shared: { secret: shared, context: 'event/digest-of-it', says: { details: { a: 1 } } },
  staff: { secret: staff, context: 'staff/c2FsdA', says: { actor: 'Noura' } },
});

/** An entry's leaf, and what unsealing it answers. */
function made(id: string, parts = partsOf(id)): { leaf: LeafEntry; answer: Answer } {
  const texts = Object.entries(parts).map(([part, { secret, context, says }]) => {
    const bytes = part === 'quarantine' ? (says as Buffer) : canonicalJson(says);
    return [part, secret, context, seal(secret, context, bytes), says] as const;
  });
  const leaf = {
    data: { sealed: Object.fromEntries(texts.map(([part, , , text]) => [part, hashOf(text)])) },
    id,
    lane: 'ledger-http/node-1',
    metadata: {
      event: { digest: 'digest-of-it', generation: '2026Q3', tag: 't' },
      keys: Object.fromEntries(texts.map(([part, secret]) => [part, secret.keyId])),
    },
    revision: 3,
    type: 'sijill.data.disclosed.v1',
  };
  const opening = texts.map(([part, secret, context, text]) => {
    const { key, blinding } = openingOf(secret, context);
    return {
      part,
      keyId: secret.keyId,
      text,
      key: key.toString('base64url'),
      blinding: blinding.toString('base64url'),
    };
  });
  const sealed = Object.fromEntries(texts.map(([part, , , , says]) => [part, says]));
  return { leaf: readLeaf(canonicalJson(leaf)), answer: { entryId: id, sealed, opening, destroyed: false } };
}

type Opening = Record<'part' | 'keyId' | 'text' | 'key' | 'blinding', string>;
interface Answer {
  readonly entryId: string;
  readonly sealed: Record<string, unknown>;
  readonly opening: readonly Opening[];
  readonly destroyed: boolean;
}
const hashOf = (text: string): string => createHash('sha256').update(text).digest('base64url');

/** Null: it holds; else why it does not. What is neither is an error. */
async function refusal(leaf: LeafEntry, answer: unknown): Promise<string | null> {
  try {
    await verifyOpening(leaf, typeof answer === 'string' ? answer : JSON.stringify(answer));
    return null;
  } catch (error) {
    if (!isRefusal(error)) throw error;
    return error.message;
  }
}
const withOpening = (answer: Answer, part: string, change: Partial<Opening>): Answer => ({
  ...answer,
  opening: answer.opening.map((each) => (each.part === part ? { ...each, ...change } : each)),
});
const openingFor = (answer: Answer, part: string): Opening => answer.opening.find((each) => each.part === part)!;

describe('an unsealed entry', () => {
  const { leaf, answer } = made(ID);

  it('is what is sealed in the leaf, each part or only some', async () => {
    expect(await verifyOpening(leaf, JSON.stringify(answer, null, 2))).toEqual({
      sealed: answer.sealed,
      closed: [],
      destroyed: false,
    });
    const one = { ...answer, sealed: { staff: answer.sealed['staff'] }, opening: [openingFor(answer, 'staff')] };
    expect(await verifyOpening(leaf, JSON.stringify(one))).toEqual({
      sealed: { staff: { actor: 'Noura' } },
      closed: ['shared', 'subject'],
      destroyed: false,
    });
    expect(await verifyOpening(leaf, JSON.stringify({ ...one, destroyed: true }))).toMatchObject({ destroyed: true });
  });

  it('shows whoever reads the file nothing but what was checked', async () => {
    const says = { amount: 0.1, none: 0, note: 'two  "spaces", a\ttab, \\ and ة', list: [1, { a: null }] };
    const numbers = made(ID, { ...partsOf(ID), subject: { ...partsOf(ID)['subject']!, says } });
    const text = JSON.stringify(numbers.answer);
    for (const space of [1, '\t', '  ']) {
      const pretty = JSON.stringify(numbers.answer, null, space);
      for (const each of [pretty, `${pretty.replaceAll('\n', '\r\n')}\n`])
        expect(await refusal(numbers.leaf, each)).toBeNull();
    }
    const long = made(ID, { ...partsOf(ID), staff: { ...partsOf(ID)['staff']!, says: '\n "\\'.repeat(4e5) } });
    expect(await refusal(long.leaf, JSON.stringify(long.answer, null, 2))).toBeNull();
    const changed: [from: string, to: string, why: RegExp][] = [
      ['{"entryId"', '{"recipient":"Someone Else","entryId"', /an opened entry has/],
      ['{"part"', '{"name":"Someone Else","part"', /an opened entry has/],
      [',"destroyed":false', '', /an opened entry has/],
      ['"destroyed":false', '"destroyed":"no"', /an opened entry has/],
      ['"destroyed":false', '"destroyed":true', /all of it is opened/],
      ['{"entryId"', '{"entryId":"another","entryId"', /reads otherwise/],
      ['{"entryId"', '{"destroyed":true,"entryId"', /reads otherwise/],
      ['"sealed":{', '"sealed":{"staff":{"actor":"Huda"},', /reads otherwise/],
      ['"actor":', '"actor":"Huda","actor":', /reads otherwise/],
      ['{"part"', '{"keyId":"staff/2025","part"', /reads otherwise/],
      ['0.1', '0.10000000000000001', /reads otherwise/],
      ['"none":0', '"none":-0', /reads otherwise/],
      ['"none":0', '"none":0.0', /reads otherwise/],
      ['Noura', 'No\\u0075ra', /reads otherwise/],
    ];
    for (const [from, to, why] of changed) {
      expect(text).toContain(from);
      expect(await refusal(numbers.leaf, text.replace(from, to))).toMatch(why);
    }
  });

  it('is of a quarantined record its bytes', async () => {
    const bytes = randomBytes(300);
    const quarantine = { secret: secretOf('quarantine/q', randomBytes(32)), context: `${ID}/quarantine`, says: bytes };
    const record = made(ID, { quarantine });
    const sealed = { quarantine: { base64: bytes.toString('base64') } };
    expect(await verifyOpening(record.leaf, JSON.stringify({ ...record.answer, sealed }))).toMatchObject({ sealed });
  });

  it('is refused when it is another entry’s, or another part’s', async () => {
    const other = made(OTHER);
    expect(await refusal(leaf, other.answer)).toMatch(/of another entry/);
    expect(await refusal(leaf, { ...other.answer, entryId: ID })).toMatch(/not the one whose hash/);
    // Even where a ledger put another entry's text into a leaf of its own, and where it swapped two parts.
    const stolen = made(ID, { ...partsOf(ID), subject: partsOf(OTHER)['subject']! });
    expect(await refusal(stolen.leaf, stolen.answer)).toMatch(/belongs to another entry or part/);
    const event = made(ID, { ...partsOf(ID), shared: { ...partsOf(ID)['shared']!, context: 'event/other' } });
    expect(await refusal(event.leaf, event.answer)).toMatch(/belongs to another entry or part/);
    const asStaff = made(ID, { ...partsOf(ID), staff: { ...partsOf(ID)['staff']!, context: `${ID}/subject` } });
    expect(await refusal(asStaff.leaf, asStaff.answer)).toMatch(/belongs to another entry or part/);
    const moved = withOpening(answer, 'staff', { part: 'ledger' });
    expect(await refusal(leaf, moved)).toMatch(/no such sealed part/);
    const twice = { ...answer, opening: [...answer.opening, openingFor(answer, 'staff')] };
    expect(await refusal(leaf, twice)).toMatch(/opened twice/);
  });

  it('is refused with another key, though everything else fits', async () => {
    const { key, blinding } = openingFor(answer, 'staff');
    expect(await refusal(leaf, withOpening(answer, 'subject', { key, blinding }))).toMatch(/commits to/);
    expect(await refusal(leaf, withOpening(answer, 'subject', { blinding }))).toMatch(/commits to/);
    expect(await refusal(leaf, withOpening(answer, 'subject', { keyId: 'staff/2026' }))).toMatch(/another secret/);
    const keyed = {
      ...leaf,
      metadata: { ...leaf.metadata, keys: { ...(leaf.metadata['keys'] as object), staff: 'x' } },
    };
    expect(await refusal(keyed, answer)).toMatch(/another secret/);
    expect(await refusal(leaf, withOpening(answer, 'subject', { key: randomBytes(31).toString('base64url') }))).toMatch(
      /32 bytes/,
    );
  });

  it('is refused when it shows something else than is sealed, or something beside', async () => {
    const shown = (sealed: unknown): Promise<string | null> => refusal(leaf, { ...answer, sealed });
    expect(await shown({ ...answer.sealed, staff: { actor: 'Huda' } })).toMatch(/not what the sealed parts say/);
    expect(await shown({ ...answer.sealed, ledger: {} })).toMatch(/not what the sealed parts say/);
    expect(await shown({ staff: answer.sealed['staff'] })).toMatch(/not what the sealed parts say/);
    expect(await shown({ ...answer.sealed, staff: '\ud800' })).toMatch(/not what the sealed parts say/);
    expect(await refusal(leaf, { ...answer, sealed: {}, opening: [] })).toMatch(/nothing is opened/);
    for (const text of ['', '[]', 'null', '{"entryId":"x"}', JSON.stringify({ ...answer, opening: [null] })])
      expect(await refusal(leaf, text)).toMatch(/no JSON|an opened entry has/);
  });

  it('is refused when any bit of it is changed, those that no byte uses too', async () => {
    const fields = ['part', 'keyId', 'text', 'key', 'blinding'] as const;
    for (const each of answer.opening)
      for (const field of fields) {
        const text = each[field];
        // Every letter of one part's key, some of all others.
        const isWhole = each.part === 'subject' && field === 'key';
        const places = isWhole
          ? [...text].keys()
          : [0, 5, text.length >> 1, text.length - 1].filter((at) => at < text.length);
        for (const at of places)
          for (let bit = 0; bit < 7; bit++) {
            const changed =
              text.slice(0, at) + String.fromCharCode(text.charCodeAt(at) ^ (1 << bit)) + text.slice(at + 1);
            expect([
              each.part,
              field,
              at,
              bit,
              await refusal(leaf, withOpening(answer, each.part, { [field]: changed })),
            ]).toEqual([each.part, field, at, bit, expect.any(String)]);
          }
        // The last letter of 32 bytes in base64url has two bits that no byte uses.
        if (field === 'key' || field === 'blinding') {
          const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
          const unused = letters[letters.indexOf(text.at(-1)!) ^ 1]!;
          expect(Buffer.from(text.slice(0, -1) + unused, 'base64url')).toEqual(Buffer.from(text, 'base64url'));
          const changed = withOpening(answer, each.part, { [field]: text.slice(0, -1) + unused });
          expect(await refusal(leaf, changed)).toMatch(/bits behind its end/);
        }
      }
  });

  it('has its sealed texts read as the vault reads them', () => {
    fc.assert(
      fc.property(
        fc.stringMatching(/^[\w/.-]{1,60}$/),
        fc.stringMatching(/^[\w/.-]{1,60}$/),
        fc.string(),
        (keyId, context, plain) => {
          const text = seal(secretOf(keyId, randomBytes(32)), context, plain);
          const read = readSealedText(text);
          expect([read.keyId, read.context]).toEqual([keyIdOf(text), contextOf(text)]);
        },
      ),
    );
    const text = openingFor(answer, 'staff').text;
    const header = (json: string): string => text.replace(/^[^.]+/, Buffer.from(json).toString('base64url'));
    const own = Buffer.from(text.split('.')[0]!, 'base64url').toString();
    for (const wrong of [
      header(own.replace('dir', 'RSA')),
      header(own.replace(',', ', ')),
      header(own.replace('}', ',"x":1}')),
      text.replace('..', '.x.'),
      `${text}.x`,
      text.slice(0, text.lastIndexOf('.')),
      text.slice(0, -4),
      '',
    ])
      expect(() => readSealedText(wrong)).toThrow(expect.objectContaining({ name: 'FormatInvalid' }));
  });
});
