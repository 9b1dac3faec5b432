import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { freePorts } from './free-port.js';

/** A port before a server: closed, open, or with everything that goes through it standing still, as before a frozen machine. */
export class TcpGate {
  private server: Server | null = null;
  private readonly sockets = new Set<Socket>();
  private frozen = false;

  private constructor(
    readonly port: number,
    private readonly target: number,
  ) {}

  /** Closed at first. @param target a port on this machine */
  static async before(target: number): Promise<TcpGate> {
    const [port = 0] = await freePorts(1);
    return new TcpGate(port, target);
  }

  async open(): Promise<void> {
    this.server = createServer((inner) => {
      const outer = connect(this.target, '127.0.0.1');
      for (const [from, to] of [
        [inner, outer],
        [outer, inner],
      ] as const) {
        this.sockets.add(from);
        from.on('data', (chunk) => void to.write(chunk));
        from.on('error', () => to.destroy());
        from.on('close', () => {
          this.sockets.delete(from);
          to.destroy();
        });
        if (this.frozen) from.pause();
      }
    });
    this.server.listen(this.port, '127.0.0.1');
    await once(this.server, 'listening');
  }

  /** Connections stay, new ones are taken, and nothing is heard over them. */
  freeze(): void {
    this.frozen = true;
    for (const socket of this.sockets) socket.pause();
  }

  thaw(): void {
    this.frozen = false;
    for (const socket of this.sockets) socket.resume();
  }

  /** Breaks every connection; new ones are refused. */
  async close(): Promise<void> {
    const { server } = this;
    this.server = null;
    if (server === null) return;
    const closed = once(server, 'close');
    server.close();
    for (const socket of this.sockets) socket.destroy();
    await closed;
  }
}
