import { DatabaseUnavailable } from '@sijill/platform';
import { DependencyCheck, type Check } from './health-check.js';

/** A dependency that answers when it is told to. */
class Dependency {
  asked = 0;
  private readonly waiting: { resolve: () => void; reject: (error: unknown) => void }[] = [];

  readonly ask = (): Promise<void> => {
    this.asked++;
    return new Promise((resolve, reject) => this.waiting.push({ resolve, reject }));
  };

  answer(error?: unknown): void {
    for (const { resolve, reject } of this.waiting.splice(0))
      if (error === undefined) resolve();
      else reject(error);
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('how a dependency is', () => {
  it('is asked once for all who want to know at the same time, and anew for those who come later', async () => {
    const dependency = new Dependency();
    const check = new DependencyCheck(dependency.ask);
    const first = [check.now(), check.now(), check.now()];
    await turn();
    expect(dependency.asked).toBe(1);
    dependency.answer();
    expect(await Promise.all(first)).toEqual([{ status: 'up' }, { status: 'up' }, { status: 'up' }]);
    const later = check.now();
    await turn();
    expect(dependency.asked).toBe(2);
    dependency.answer(new DatabaseUnavailable('vault: the database cannot be reached (ECONNREFUSED)'));
    expect(await later).toEqual({
      status: 'down',
      detail: 'DatabaseUnavailable: vault: the database cannot be reached (ECONNREFUSED)',
    });
  });

  it('is down when it does not say so in time, and piles up no questions', async () => {
    const dependency = new Dependency();
    const check = new DependencyCheck(dependency.ask);
    const late: Check[] = [];
    for (let i = 0; i < 3; i++) late.push(...(await Promise.all(Array.from({ length: 20 }, () => check.now()))));
    expect(dependency.asked).toBe(1);
    for (const { status, detail } of late)
      expect([status, detail]).toEqual([
        'down',
        expect.stringMatching(/^no answer in \d{3,} ms; there was none before$/),
      ]);
    dependency.answer();
    await turn();
    const next = check.now();
    await turn();
    dependency.answer();
    expect(await next).toEqual({ status: 'up' });
  });

  it('is told by kind and code alone where a driver might quote what it was asked', async () => {
    const failing = Object.assign(new Error('Key (phone)=(+966500000001) already exists'), { code: '23505' });
    expect(await new DependencyCheck(() => Promise.reject(failing)).now()).toEqual({
      status: 'down',
      detail: 'Error (23505)',
    });
  });
});
