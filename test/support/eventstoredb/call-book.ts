/** One call as it arrived. */
export interface SeenCall {
  /** `Read`, `BatchAppend` and so on. */
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** One request of a batch append as it arrived. */
export interface SeenChunk {
  readonly stream: string | undefined;
  readonly messages: number;
  readonly isFinal: boolean;
}

const KEPT = 1_000;

/** What a stand-in has been asked of late, for tests that look at the client's side of the wire. */
export class CallBook {
  readonly calls: SeenCall[] = [];
  readonly chunks: SeenChunk[] = [];

  call(seen: SeenCall): void {
    this.calls.push(seen);
    if (this.calls.length > KEPT) this.calls.shift();
  }

  chunk(seen: SeenChunk): void {
    this.chunks.push(seen);
    if (this.chunks.length > KEPT) this.chunks.shift();
  }
}
