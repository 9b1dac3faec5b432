import { copyFileSync, existsSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { disclosed, SINGLE } from '../support/events.js';
import { request, sijill, sijillJson, startServer } from '../support/sijill.js';

const PHONES = ['+966500000071', '+966500000072'] as const;

describe('the keyring', () => {
  it('gets a new wrapping key beside a running server, which goes on; one that is older is refused at the start', async () => {
    const server = await startServer();
    const [producer, officer] = [await server.key('producer'), await server.key('officer')];
    const keyring = join(server.dataDir, 'vault', 'keyring.json');
    const yesterday = join(server.dataDir, 'yesterday.json');
    const send = async (phone: string): Promise<number> =>
      (await request(`${server.url}/v1/events`, { key: producer, body: disclosed(phone), type: SINGLE })).status;
    const eventIds = async (phone: string): Promise<unknown[]> => {
      const args = ['history', '--identifier', `phone:${phone}`, '--reason', 'test'];
      const { items } = await sijillJson<{ items: { eventId: unknown }[] }>(args, server.env);
      return items.map(({ eventId }) => eventId);
    };
    expect(await send(PHONES[0])).toBe(201);
    copyFileSync(keyring, yesterday);

    const made = await sijillJson<{ current: string; wrapped: number }>(['keys', 'keyring', 'rotate'], server.env);
    expect(made.wrapped).toBeGreaterThan(0);
    const { wrapping } = JSON.parse(readFileSync(keyring, 'utf8')) as {
      wrapping: { current: string; keys: Record<string, string> };
    };
    expect([wrapping.current, Object.keys(wrapping.keys).length]).toEqual([made.current, 2]);
    for (const phone of PHONES) expect(await send(phone)).toBe(201);
    const lookUp = { identifier: { scheme: 'phone', value: PHONES[0] }, reason: 'test' };
    expect((await request(`${server.url}/v1/subjects/lookup`, { key: officer, body: lookUp })).status).toBe(200);
    expect(await sijillJson(['keys', 'keyring', 'rotate', '--resume'], server.env)).toMatchObject({
      current: made.current,
      wrapped: 0,
    });
    expect(await eventIds(PHONES[0])).toEqual([expect.any(String), expect.any(String)]);
    expect(await eventIds(PHONES[1])).toEqual([expect.any(String)]);
    await server.kill();

    const old = await sijill(['serve'], { ...server.env, SIJILL_KEYRING_FILE: yesterday });
    expect([old.code, old.stdout + old.stderr]).toEqual([2, expect.stringContaining(made.current)]);
    const again = await startServer(server.env);
    expect((await request(`${again.url}/v1/subjects/lookup`, { key: officer, body: lookUp })).status).toBe(200);
    await again.kill();
  }, 120_000);

  it('is nothing without its vault: where that is lost, nobody makes a new one', async () => {
    const server = await startServer();
    const producer = await server.key('producer');
    const send = (url: string): ReturnType<typeof request> =>
      request(`${url}/v1/events`, { key: producer, body: disclosed(PHONES[0]), type: SINGLE });
    expect((await send(server.url)).status).toBe(201);
    await server.kill();
    const vault = join(server.dataDir, 'vault', 'vault.sqlite');
    renameSync(vault, `${vault}.away`);

    const lost = `there is no vault at ${vault}`;
    // In this order: what has only looked must not have made one for the next.
    for (const args of [
      ['doctor'],
      ['keys', 'keyring', 'rotate'],
      ['backup', join(server.dataDir, 'backup')],
      ['history', '--identifier', `phone:${PHONES[0]}`, '--reason', 'test'],
      ['serve'],
      ['serve'],
    ]) {
      const { code, stdout, stderr } = await sijill([...args, ...(args[0] === 'doctor' ? ['--json'] : [])], server.env);
      expect([args, code, stdout + stderr]).toEqual([
        args,
        args[0] === 'doctor' ? 3 : 2,
        expect.stringContaining(lost),
      ]);
    }
    expect(existsSync(vault)).toBe(false);
    renameSync(`${vault}.away`, vault);
    const again = await startServer(server.env);
    expect((await send(again.url)).status).toBe(201);
    await again.kill();
  }, 120_000);
});
