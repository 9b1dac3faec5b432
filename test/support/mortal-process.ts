import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';

/**
 * A process that obeys one order at a time, and dies of those whose `die` says where. A new one is started for it when
 * it is dead. Its program sends one message when it is ready, and one in reply to each order.
 */
export class MortalProcess<Order extends object, Reply> {
  private child: Promise<ChildProcess> | null = null;

  constructor(
    private readonly program: string,
    private readonly args: readonly string[],
  ) {}

  /**
   * @returns null when it died of it
   * @throws Error when it ended over an order that asks no death of it
   */
  async obey(order: Order): Promise<Reply | null> {
    const child = await (this.child ??= this.start());
    const gone = once(child, 'exit').then(() => null);
    child.send(order);
    const reply = await Promise.race([once(child, 'message').then(([message]) => message as Reply), gone]);
    if (reply !== null) return reply;
    this.child = null;
    if (!('die' in order) || order.die === null)
      throw new Error(`a process ended by itself over ${JSON.stringify(order)}`);
    return null;
  }

  async stop(): Promise<void> {
    (await this.child)?.kill('SIGKILL');
  }

  private async start(): Promise<ChildProcess> {
    const child = fork(this.program, [...this.args], { execArgv: ['--import', 'tsx'] });
    await once(child, 'message');
    return child;
  }
}
