import type { Caller, KeyNotAccepted } from './api-keys.js';
import { actingPrincipal, administrator } from './acting-principal.js';

const officer: Caller = {
  keyId: 'k1',
  name: 'Noura',
  principal: 'p00000000000a',
  roles: ['officer'],
  producer: null,
  recipient: null,
};
const keys = {
  authenticate: (key: string): Promise<Caller | KeyNotAccepted> =>
    Promise.resolve(key === 'good' ? officer : { refused: 'this key was revoked at noon' }),
};

describe('whoever acts by a command', () => {
  it('is the holder of the key in SIJILL_KEY, in either mode', async () => {
    const holder = { keyId: 'k1', name: 'Noura', principal: 'p00000000000a', roles: ['officer'], producer: null };
    for (const mode of ['development', 'production'] as const)
      expect(await actingPrincipal({ mode }, keys, { SIJILL_KEY: ' good\n' }, ['officer'])).toEqual(holder);
  });

  it('is the command line itself in development, with all roles', async () => {
    expect(await actingPrincipal({ mode: 'development' }, keys, { SIJILL_KEY: '' }, ['officer'])).toMatchObject({
      keyId: null,
      principal: 'command-line',
      roles: ['producer', 'officer', 'regulator', 'admin', 'recipient'],
    });
  });

  it.each([
    [{}, 'production', /set SIJILL_KEY to one with the role officer or admin/],
    [{ SIJILL_KEY: 'old' }, 'development', /SIJILL_KEY cannot be used: this key was revoked at noon/],
    [{ SIJILL_KEY: 'old' }, 'production', /revoked/],
  ] as const)('is nobody with %p in %s', async (env, mode, message) => {
    const refused = actingPrincipal({ mode }, keys, env, ['officer', 'admin']);
    await expect(refused).rejects.toMatchObject({ name: 'ActingRefused', message: expect.stringMatching(message) });
  });

  it('needs a role that fits, also where no key is asked for', async () => {
    const env = { SIJILL_KEY: 'good' };
    await expect(actingPrincipal({ mode: 'production' }, keys, env, ['admin'])).rejects.toThrow(/role admin/);
    await expect(administrator(keys, env)).rejects.toThrow(/role admin/);
    expect(await administrator(keys, {})).toMatchObject({ principal: 'command-line' });
  });
});
