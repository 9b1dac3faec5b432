import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';

type Done = (error?: Error | null) => void;

/** A connection, between the network and the server, where it can be held up and where it can be lost. */
export class Line extends Duplex {
  #isFrozen = false;
  #isSwallowed = false;
  readonly #waiting: (() => void)[] = [];

  constructor(private readonly socket: Socket) {
    super();
    // As HTTP/2 does with a socket that it is given itself.
    socket.setNoDelay(true);
    socket.on('data', (bytes) => {
      if (!this.push(bytes)) socket.pause();
    });
    socket.on('end', () => this.push(null));
    socket.on('error', () => undefined);
    socket.on('close', () => this.destroy());
    this.on('error', () => undefined);
  }

  /** Nothing passes, in either direction; nothing is lost. */
  freeze(): void {
    this.#isFrozen = true;
    this.socket.pause();
  }

  thaw(): void {
    this.#isFrozen = false;
    this.socket.resume();
    for (const go of this.#waiting.splice(0)) go();
  }

  /** The server loses it; to the client it stays open for as long as it likes, and nothing comes of what it sends. */
  swallow(): void {
    this.#isSwallowed = true;
    this.socket.removeAllListeners('data').resume();
    this.destroy();
  }

  /** Breaks it, for both sides. */
  cut(): void {
    this.socket.destroy();
    this.destroy();
  }

  override _read(): void {
    if (!this.#isFrozen) this.socket.resume();
  }

  override _write(bytes: Buffer, _: BufferEncoding, done: Done): void {
    this.#whenThawed(() => this.socket.write(bytes, done));
  }

  override _final(done: Done): void {
    this.#whenThawed(() => this.socket.end(() => done()));
  }

  override _destroy(error: Error | null, done: Done): void {
    if (!this.#isSwallowed) this.socket.destroy();
    done(error);
  }

  #whenThawed(go: () => void): void {
    if (this.#isFrozen) this.#waiting.push(go);
    else go();
  }
}
