import 'reflect-metadata';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jest } from '@jest/globals';
import { Command } from 'commander';
import { EXIT } from '../exit-codes.js';
import { exitOf } from '../exit-of.js';
import { addKeys } from './keys.command.js';
import { addProducers } from './producers.command.js';

const before = { ...process.env };

/** Runs a command in this process; what it prints, and how it ends. */
async function run(args: readonly string[]): Promise<{ code: number; json: Record<string, unknown>; said: string }> {
  const program = new Command().exitOverride().configureOutput({ writeErr: () => undefined });
  addKeys(program);
  addProducers(program);
  for (const command of program.commands) for (const each of command.commands) each.exitOverride();
  let said = '';
  const print = jest.spyOn(process.stdout, 'write').mockImplementation((text) => ((said += String(text)), true));
  try {
    await program.parseAsync(['node', 'sijill', ...args]);
    return { code: EXIT.done, json: said.startsWith('{') ? (JSON.parse(said) as Record<string, unknown>) : {}, said };
  } catch (error) {
    const { code, line } = exitOf(error);
    return { code, json: {}, said: line };
  } finally {
    print.mockRestore();
  }
}

describe('keys and producers on the command line', () => {
  beforeEach(() => {
    process.env = { ...before, SIJILL_DATA_DIR: mkdtempSync(join(tmpdir(), 'sijill-access-commands-')) };
  });
  afterAll(() => void (process.env = before));

  it('register, change, list and retire a producer', async () => {
    const added = await run(['producers', 'add', 'billing', '--source', 'urn:b:', '--source', 'urn:a:', '--json']);
    const item = {
      name: 'billing',
      sources: ['urn:a:', 'urn:b:'],
      realm: 'default',
      mayLink: false,
      createdAt: expect.any(String) as string,
      retiredAt: null,
    };
    expect(added.json).toEqual(item);
    const changed = await run(['producers', 'change', 'billing', '--any-source', '--may-link', 'yes', '--json']);
    expect(changed.json).toEqual({ ...item, sources: [], mayLink: true });
    expect((await run(['producers', 'list', '--json'])).json).toEqual({ producers: [changed.json] });
    expect((await run(['producers', 'retire', 'billing', '--json'])).json).toMatchObject({
      retiredAt: expect.any(String),
    });
    expect(await run(['producers', 'add', 'billing'])).toMatchObject({
      code: EXIT.wrongUse,
      said: expect.stringContaining('take another'),
    });
    expect((await run(['producers', 'list'])).said).toContain('billing');
  });

  it.each([
    [['producers', 'change', 'nobody', '--realm', 'x'], /sijill producers add nobody/],
    [['producers', 'change', 'nobody'], /nothing to change/],
    [['producers', 'add', 'Billing'], /small letters/],
    [['keys', 'create', '--role', 'recipient', '--name', 'x'], /id of the recipient/],
    [['keys', 'create', '--role', 'officer', '--name', 'x', '--expires', '2020-01-01'], /not in the future/],
    [['keys', 'create', '--role', 'officer', '--name', 'x', '--expires', 'soon'], /--expires takes a date/],
  ])('%j is wrong use, and the sentence helps', async (args, sentence) => {
    const { code, said } = await run(args);
    expect([code, said]).toEqual([EXIT.wrongUse, expect.stringMatching(sentence)]);
  });

  it('make a key that speaks for a producer, which development registers with it', async () => {
    const made = await run(['keys', 'create', '--role', 'producer', '--name', 'sms-gateway', '--json']);
    expect(Object.keys(made.json)).toEqual(
      expect.arrayContaining(['id', 'name', 'roles', 'producer', 'key', 'createdAt']),
    );
    expect(made.json).toMatchObject({ roles: ['producer'], producer: 'sms-gateway' });
    expect((await run(['producers', 'list', '--json'])).json).toMatchObject({
      producers: [{ name: 'sms-gateway', sources: [], mayLink: true }],
    });
    process.env['SIJILL_MODE'] = 'production';
    const refused = await run(['keys', 'create', '--role', 'producer', '--name', 'web']);
    expect([refused.code, refused.said]).toEqual([EXIT.wrongUse, expect.stringContaining('sijill producers add web')]);
  });

  it('act as the key in SIJILL_KEY, which then must be an admin’s', async () => {
    const keyOf = async (role: string): Promise<string> =>
      (await run(['keys', 'create', '--role', role, '--name', role, '--json'])).json['key'] as string;
    const [admin, officer] = [await keyOf('admin'), await keyOf('officer')];
    process.env['SIJILL_MODE'] = 'production';
    process.env['SIJILL_KEY'] = officer;
    expect(await run(['producers', 'add', 'web'])).toMatchObject({
      code: EXIT.wrongUse,
      said: expect.stringContaining('role admin'),
    });
    process.env['SIJILL_KEY'] = admin;
    expect((await run(['producers', 'add', 'web'])).code).toBe(EXIT.done);
  });
});
