import { outputOf } from './run-program.js';

describe('a program of the operator’s', () => {
  it('sees the environment of this process, without the settings of the ledger, which may hold secrets', async () => {
    process.env['SIJILL_SECRET'] = 'the key of keys';
    process.env['VAULT_ADDR'] = 'https://vault.example';
    try {
      const environment = await outputOf(['env'], { timeLimitMs: 10_000, stderr: 'ignore' });
      expect(environment).not.toContain('SIJILL_');
      expect(environment.split('\n')).toEqual(
        expect.arrayContaining([`PATH=${process.env['PATH']}`, 'VAULT_ADDR=https://vault.example']),
      );
    } finally {
      delete process.env['SIJILL_SECRET'];
      delete process.env['VAULT_ADDR'];
    }
  });
});
