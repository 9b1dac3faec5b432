import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { RenderProcess } from '@sijill/reports';
import { accounting, disclosure } from '../support/sample-disclosures.js';

const program = {
  file: join(import.meta.dirname, '../../libs/reports/src/desk/render-child.ts'),
  execArgv: ['--import', 'tsx', '--no-warnings=ExperimentalWarning'],
};
const small = { dataset: accounting([disclosure(1)]), language: 'en' } as const;
const large = { dataset: accounting(Array.from({ length: 2_000 }, (_, i) => disclosure(i))), language: 'en' } as const;

/** The processes that this one has started, by what they run. */
function children(): number[] {
  const lines = execFileSync('ps', ['-eo', 'pid=,ppid=,args=']).toString().trim().split('\n');
  return lines.flatMap((line) => {
    const [, pid, parent, args] = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? [];
    return Number(parent) === process.pid && args?.includes('render-child') === true ? [Number(pid)] : [];
  });
}

async function untilRendering(): Promise<number> {
  for (;;) {
    const [pid] = children();
    if (pid !== undefined) return pid;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

describe('the rendering process', () => {
  let renderer: RenderProcess;
  afterEach(async () => {
    await renderer.close();
    expect(children()).toEqual([]);
  });

  it('makes documents one after the other in one process, and goes when nothing is left to do', async () => {
    renderer = new RenderProcess({ program, idleMs: 50 });
    const [first, second] = await Promise.all([renderer.render(small), renderer.render({ ...small, language: 'ar' })]);
    expect(first.subarray(0, 5).toString()).toBe('%PDF-');
    expect(second.subarray(0, 5).toString()).toBe('%PDF-');
    for (let tries = 0; children().length > 0 && tries < 100; tries++)
      await new Promise((resolve) => setTimeout(resolve, 50));
    expect(children()).toEqual([]);
    expect((await renderer.render(small)).equals(first)).toBe(true);
  }, 60_000);

  it('is started again for a document over which it was killed', async () => {
    renderer = new RenderProcess({ program });
    const rendering = renderer.render(large);
    process.kill(await untilRendering(), 'SIGKILL');
    expect((await rendering).subarray(0, 5).toString()).toBe('%PDF-');
  }, 60_000);

  it('gives a document up that takes too long, and makes the next', async () => {
    renderer = new RenderProcess({ program, timeoutMs: 400 });
    await expect(renderer.render(large)).rejects.toThrow('was not ready in 400 ms');
    await renderer.close();
    renderer = new RenderProcess({ program });
    await renderer.render(small);
  }, 60_000);

  it('tells that it is being shut down', async () => {
    renderer = new RenderProcess({ program });
    const refused = expect(renderer.render(large)).rejects.toMatchObject({ name: 'RenderClosed' });
    await untilRendering();
    await renderer.close();
    await refused;
    await expect(renderer.render(small)).rejects.toMatchObject({ name: 'RenderClosed' });
  }, 60_000);
});
