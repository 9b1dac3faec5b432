import { BACKWARDS, END, EventStoreDBClient, jsonEvent } from '@eventstore/db-client';
import { openEventStoreDb } from '@sijill/event-store';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { entries } from '../contract/event-store.contract.js';
import { makeCertificate, type Certificate } from '../support/eventstoredb/certificate.js';
import { startEventStoreDbStandIn, type StandIn } from '../support/eventstoredb/stand-in.js';
import { BATCH, disclosed } from '../support/events.js';
import { eventually, freshDataDir, request, sijill, startServer } from '../support/sijill.js';

interface Check {
  readonly check: string;
  readonly status: 'ok' | 'warn' | 'no' | 'fail';
  readonly detail: string;
  readonly cure: string | null;
}

// Rights exist with TLS only, so these run on the stand-in always: no real server is to be had with a certificate and users.
describe('the doctor and the rights on the ledger’s streams', () => {
  const admin = { name: 'admin', password: 'changeit', groups: ['$admins'] };
  const service = { name: 'sijill', password: 'p@ss:s3cret', groups: ['services'] };
  let directory: string;
  let certificate: Certificate;
  let standIn: StandIn;
  let root: EventStoreDBClient;
  let env: Record<string, string>;

  const doctor = async (args: string[] = [], over: Record<string, string> = {}) => {
    const { code, stdout, stderr } = await sijill(['doctor', '--json', ...args], { ...env, ...over });
    expect(stdout + stderr).not.toMatch(/s3cret|changeit/);
    const answer = (stdout === '' ? { checks: [] } : JSON.parse(stdout)) as {
      ok: boolean;
      changed?: string[];
      checks: Check[];
    };
    return { code, stderr, ...answer, rights: answer.checks.filter(({ check }) => check === 'stream rights') };
  };
  const last = async (stream: string) => {
    const options = { direction: BACKWARDS, fromRevision: END, maxCount: 1 } as const;
    // To its end: the client waits for what was left in the middle when it is let go.
    let data: unknown;
    for await (const { event } of root.readStream(stream, options)) data = event?.data;
    return data;
  };
  const asAdmin = () => ({ SIJILL_EVENT_STORE_ADMIN: standIn.connectionStringOf(admin) });

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'rights-'));
    certificate = await makeCertificate(directory);
  });
  afterAll(() => rmSync(directory, { recursive: true }));
  /** A server with streams of somebody's who is no ledger. */
  const startWith = async (lanes: readonly string[]): Promise<void> => {
    standIn = await startEventStoreDbStandIn({ secure: { certificate, users: [admin, service] } });
    root = EventStoreDBClient.connectionString(standIn.connectionStringOf(admin));
    env = { SIJILL_DATA_DIR: freshDataDir('rights'), SIJILL_EVENT_STORE: standIn.connectionStringOf(service) };
    const store = await openEventStoreDb({ connectionString: standIn.connectionStringOf(service) });
    for (const lane of lanes) await store.append(lane, entries(3), 'no_stream');
    await store.close();
  };
  const stop = async (): Promise<void> => {
    await root.dispose();
    await standIn.stop();
  };
  beforeEach(() => startWith(['ledger-a', 'ledger-b']));
  afterEach(stop);

  it('finds that they are missing, sets them when told to, and is content then', async () => {
    const blind = await doctor();
    expect([blind.code, blind.ok]).toEqual([3, false]);
    expect(blind.rights).toMatchObject([{ status: 'fail', cure: expect.stringContaining('--protect-streams') }]);

    await root.setStreamMetadata('$all', { acl: { readRoles: ['$admins', service.name] } });
    const open = await doctor();
    expect([open.code, open.ok]).toEqual([1, false]);
    expect(open.rights.map(({ status, detail }) => [status, detail])).toEqual([
      ['no', '$all may delete ledger-*'],
      ['no', '$all may hide entries of ledger-*'],
    ]);

    const file = join(directory, 'admin');
    writeFileSync(file, standIn.connectionStringOf(admin), { mode: 0o600 });
    const set = await doctor(['--protect-streams'], { SIJILL_EVENT_STORE_ADMIN_FILE: file });
    expect(set).toMatchObject({ code: 0, ok: true, changed: [expect.stringContaining('$settings')] });
    expect(set.rights).toMatchObject([{ status: 'ok' }]);
    expect(await doctor()).toMatchObject({ code: 0, ok: true });
    expect(await doctor(['--protect-streams'], asAdmin())).toMatchObject({ code: 0, changed: [] });

    // The service goes on, and cannot do what was forbidden.
    const client = EventStoreDBClient.connectionString(standIn.connectionStringOf(service));
    for (const forbidden of [
      () => client.deleteStream('ledger-a'),
      () => client.tombstoneStream('ledger-a'),
      () => client.setStreamMetadata('ledger-a', { maxCount: 1 }),
    ])
      await expect(forbidden()).rejects.toMatchObject({ type: 'access-denied' });
    expect((await client.appendToStream('other', jsonEvent({ type: 'tested', data: {} }))).success).toBe(true);
    await client.dispose();
  });

  it('leaves other settings as they are, and lets the user read the log besides those who may', async () => {
    const before = {
      $userStreamAcl: { $w: ['services', 'ops'], $d: '$all' },
      $systemStreamAcl: { $r: ['$admins', 'ops'] },
    };
    await root.appendToStream('$settings', jsonEvent({ type: '$settings', data: before }));
    const { changed } = await doctor(['--protect-streams'], asAdmin());
    expect(changed).toHaveLength(2);
    expect(await last('$settings')).toMatchObject({
      $userStreamAcl: { $r: '$all', $w: ['services', 'ops'], $d: '$admins', $mr: '$all', $mw: '$admins' },
      $systemStreamAcl: { $r: ['$admins', 'ops'], $w: '$admins', $d: '$admins', $mw: '$admins' },
    });
    expect(await last('$$$all')).toEqual({ $acl: { $r: ['$admins', 'ops', service.name] } });
  });

  it('finds a stream that makes an exception for itself, and takes the exception out', async () => {
    await doctor(['--protect-streams'], asAdmin());
    await root.setStreamMetadata('ledger-a', { acl: { deleteRoles: ['services'], readRoles: ['$all'] } });
    const found = await doctor();
    expect(found.code).toBe(1);
    expect(found.rights.map(({ detail }) => detail)).toEqual(['services may delete ledger-a']);
    expect(await doctor(['--protect-streams'], asAdmin())).toMatchObject({ code: 0, ok: true });
    expect(await root.getStreamMetadata('ledger-a')).toMatchObject({ metadata: { acl: { readRoles: ['$all'] } } });
  });

  it('finds streams that were cut, hidden or deleted, and whoever may lift the protection', async () => {
    await doctor(['--protect-streams'], asAdmin());
    await root.setStreamMetadata('ledger-a', { maxCount: 2 });
    await root.deleteStream('ledger-b');
    await root.appendToStream('ledger-c', jsonEvent({ type: 'tested', data: {}, metadata: {} }));
    await root.tombstoneStream('ledger-c');
    await root.setStreamMetadata('$settings', { acl: { writeRoles: ['$admins', 'ops'] } });
    const { code, rights } = await doctor();
    expect(code).toBe(1);
    expect(rights.map(({ detail }) => detail).sort()).toEqual([
      'ledger-a keeps its last entries only ($maxCount)',
      'ledger-b hides its beginning or all of it ($tb)',
      'ledger-c was deleted for good',
      'ops may write to $settings',
    ]);
  });

  it('finds who may write to the ledger’s streams where it could not close them itself, and closes them', async () => {
    await stop();
    await startWith([]);
    await doctor(['--protect-streams'], asAdmin());
    const server = await startServer(env);
    const key = await server.key('producer');
    const { status } = await request(`${server.url}/v1/events`, {
      key,
      body: [disclosed('+966500000077')],
      type: BATCH,
    });
    expect(status).toBe(201);
    await eventually(
      () => request(`${server.url}/log/checkpoint`),
      (answer) => answer.status === 200,
    );
    expect(server.log()).toContain('stream left open');
    expect(await server.kill()).toBe(0);
    const found = await doctor();
    expect(found.code).toBe(1);
    expect(found.rights.map(({ detail }) => detail)).toContain('$all may write to ledger-founding');
    expect(await doctor(['--protect-streams'], asAdmin())).toMatchObject({ code: 0, ok: true });
    expect(await last('$$ledger-founding')).toEqual({ $acl: { $w: service.name, $d: '$admins', $mw: '$admins' } });
    expect(await doctor()).toMatchObject({ code: 0, ok: true });
    await root.setStreamMetadata('ledger-founding', { acl: { writeRoles: [service.name, 'ops'] } });
    expect((await doctor()).rights.map(({ detail }) => detail)).toEqual(['ops may write to ledger-founding']);
    expect(await doctor(['--protect-streams'], asAdmin())).toMatchObject({ code: 0, ok: true });
  }, 60_000);

  it('finds that the ledger connects as an administrator', async () => {
    await doctor(['--protect-streams'], asAdmin());
    const { code, rights } = await doctor([], { SIJILL_EVENT_STORE: standIn.connectionStringOf(admin) });
    expect(code).toBe(1);
    expect(rights).toMatchObject([{ status: 'no', detail: expect.stringContaining('admin is an administrator') }]);
  });

  it('warns that without TLS there are no rights', async () => {
    const insecure = await startEventStoreDbStandIn();
    const { code, rights } = await doctor([], { SIJILL_EVENT_STORE: insecure.connectionString });
    expect(code).toBe(0);
    expect(rights).toMatchObject([{ status: 'warn', detail: expect.stringContaining('enforces no rights') }]);
    await insecure.stop();
  });

  it('does not take an old server’s silence for the end of its log', async () => {
    const old = await startEventStoreDbStandIn({ release: '22.10' });
    const { code, rights } = await doctor([], { SIJILL_EVENT_STORE: old.connectionString });
    expect(code).toBe(0);
    expect(rights.map(({ detail }) => detail)).toContainEqual(expect.stringContaining('did not say'));
    await old.stop();
  });

  it.each([
    ['without an administrator', {}, /SIJILL_EVENT_STORE_ADMIN_FILE/],
    ['on the embedded store', { SIJILL_EVENT_STORE: 'embedded' }, /embedded store/],
    ['with what is no connection string', { SIJILL_EVENT_STORE_ADMIN: 'admin:changeit' }, /esdb:\/\//],
  ])('refuses to set rights %s', async (_, over, why) => {
    const { code, stderr } = await doctor(['--protect-streams'], over);
    expect(code).toBe(2);
    expect(stderr).toMatch(why);
  });

  it('refuses to set rights as somebody who is no administrator, and sets none', async () => {
    const as = (connectionString: string) =>
      doctor(['--protect-streams'], { SIJILL_EVENT_STORE_ADMIN: connectionString });
    expect(await as(standIn.connectionStringOf(service))).toMatchObject({ code: 2 });
    const wrong = await as(standIn.connectionStringOf({ ...admin, password: 'changeit-not' }));
    expect(wrong.code).toBe(2);
    expect(wrong.stderr).toContain('does not accept the user or its password');
    const insecure = await startEventStoreDbStandIn();
    expect((await as(insecure.connectionString)).stderr).toContain('without TLS');
    await insecure.stop();
    await expect(last('$settings')).rejects.toMatchObject({ type: 'stream-not-found' });
  });

  it('says that the server cannot be reached, which is neither yes nor no', async () => {
    await standIn.stop();
    const { code, rights } = await doctor();
    expect(code).toBe(3);
    expect(rights).toMatchObject([{ status: 'fail', cure: expect.stringContaining('reachable') }]);
    expect(await doctor(['--protect-streams'], asAdmin())).toMatchObject({ code: 3 });
  });
});
