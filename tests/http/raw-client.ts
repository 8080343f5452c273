// A client on a bare socket, for tests that send what no HTTP library would: it writes exact bytes and
// reads whole responses back.

import { connect, type Socket } from "node:net";

export interface RawResponse {
  readonly status: number;
  /** By lower-case name; the last of several. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Buffer;
}

export class RawClient implements Disposable {
  readonly socket: Socket;
  #received = Buffer.alloc(0);
  /** Chunks not yet joined to `#received`: joining each at once would be quadratic. */
  #arrived: Buffer[] = [];
  #arrivedBytes = 0;
  #isEnded = false;
  #wake: (() => void) | undefined;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on("data", (chunk) => {
      this.#arrived.push(chunk);
      this.#arrivedBytes += chunk.length;
      this.#wake?.();
    });
    const end = (): void => {
      this.#isEnded = true;
      this.#wake?.();
    };
    socket.on("end", end);
    socket.on("error", end);
    socket.on("close", end);
  }

  static async connect(port: number, host = "127.0.0.1"): Promise<RawClient> {
    const socket = connect({ port, host, allowHalfOpen: true, noDelay: true });
    await new Promise<void>((resolve, reject) => {
      socket.once("connect", resolve);
      socket.once("error", reject);
    });
    return new RawClient(socket);
  }

  /** Sends text as Latin-1, so that one character is one byte. */
  send(bytes: string | Uint8Array): void {
    this.socket.write(typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes);
  }

  /** Ends the sending side only. */
  endSending(): void {
    this.socket.end();
  }

  /** The next whole response; interim ones (1xx) count. Throws when the connection ends before. */
  async response(request: { method?: string } = {}): Promise<RawResponse> {
    const headLength = await this.#until(() => {
      const at = this.#received.indexOf("\r\n\r\n");
      return at < 0 ? undefined : at + 4;
    });
    const lines = this.#take(headLength).toString("latin1").split("\r\n");
    const status = Number((lines[0] as string).split(" ")[1]);
    const headers = new Map<string, string>();
    for (const line of lines.slice(1)) {
      const colon = line.indexOf(": ");
      if (colon > 0) headers.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 2));
    }
    const hasBody = request.method !== "HEAD" && status >= 200 && status !== 204 && status !== 304;
    return { status, headers, body: hasBody ? await this.#body(headers) : Buffer.alloc(0) };
  }

  /** Resolves when the server has closed its side; returns what it sent that was not read as a response. */
  async closed(): Promise<Buffer> {
    await this.#until(() => (this.#isEnded ? true : undefined), { mayEnd: true, joins: false });
    this.#join();
    return this.#take(this.#received.length);
  }

  get isClosed(): boolean {
    return this.#isEnded;
  }

  [Symbol.dispose](): void {
    this.socket.destroy();
  }

  async #body(headers: ReadonlyMap<string, string>): Promise<Buffer> {
    const length = headers.get("content-length");
    if (length !== undefined) return await this.#bytes(Number(length));
    if (headers.get("transfer-encoding") !== "chunked") return await this.closed();
    const parts: Buffer[] = [];
    for (;;) {
      const lineEnd = await this.#until(() => {
        const at = this.#received.indexOf("\r\n");
        return at < 0 ? undefined : at + 2;
      });
      const size = Number.parseInt(this.#take(lineEnd).toString("latin1"), 16);
      parts.push((await this.#bytes(size + 2)).subarray(0, size));
      if (size === 0) return Buffer.concat(parts);
    }
  }

  async #bytes(length: number): Promise<Buffer> {
    await this.#until(
      () => (this.#received.length + this.#arrivedBytes >= length ? true : undefined),
      { mayEnd: false, joins: false },
    );
    this.#join();
    return this.#take(length);
  }

  #take(length: number): Buffer {
    const taken = this.#received.subarray(0, length);
    this.#received = this.#received.subarray(length);
    return taken;
  }

  #join(): void {
    if (this.#arrived.length === 0) return;
    this.#received = Buffer.concat([this.#received, ...this.#arrived]);
    this.#arrived = [];
    this.#arrivedBytes = 0;
  }

  async #until<Result>(
    probe: () => Result | undefined,
    { mayEnd, joins }: { mayEnd: boolean; joins: boolean } = { mayEnd: false, joins: true },
  ): Promise<Result> {
    for (;;) {
      if (joins) this.#join();
      const result = probe();
      if (result !== undefined) return result;
      if (this.#isEnded && !mayEnd) {
        this.#join();
        throw new Error(
          `connection ended after ${JSON.stringify(this.#received.toString("latin1"))}`,
        );
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}
