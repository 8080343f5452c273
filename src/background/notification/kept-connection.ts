// A connection that is made when it is needed, kept, and made again after it broke.

const defaultOpenMilliseconds = 10_000;
const closeMilliseconds = 2000;

export class KeptConnection<Connection> implements AsyncDisposable {
  readonly #open: (dropped: () => void) => Promise<Connection>;
  readonly #close: (connection: Connection) => Promise<unknown>;
  readonly #openMilliseconds: number;
  #current: Promise<Connection> | undefined;

  /**
   * `open` may call `dropped` whenever the connection has ended by itself; it is not closed then. What
   * `close` throws is ignored.
   */
  constructor(options: {
    readonly open: (dropped: () => void) => Promise<Connection>;
    readonly close: (connection: Connection) => Promise<unknown>;
    /** A receiver that is there but says nothing must not be waited for without end. */
    readonly openMilliseconds?: number;
  }) {
    this.#open = options.open;
    this.#close = options.close;
    this.#openMilliseconds = options.openMilliseconds ?? defaultOpenMilliseconds;
  }

  /**
   * Works with the connection. What goes wrong, and a signal that ends the work before it is done, ends
   * the connection too: the next one who works makes another.
   */
  async use<Value>(
    signal: AbortSignal,
    work: (connection: Connection) => Promise<Value>,
  ): Promise<Value> {
    const current = this.#get();
    const connection = await current;
    signal.throwIfAborted();
    const drop = (): Promise<void> => this.#drop(current);
    signal.addEventListener("abort", drop, { once: true });
    try {
      return await work(connection);
    } catch (error) {
      await drop();
      throw error;
    } finally {
      signal.removeEventListener("abort", drop);
    }
  }

  /** Ends the connection: the next one who works makes another. */
  async drop(): Promise<void> {
    if (this.#current !== undefined) await this.#drop(this.#current);
  }

  #get(): Promise<Connection> {
    if (this.#current !== undefined) return this.#current;
    const forget = (): void => {
      if (this.#current === opening) this.#current = undefined;
    };
    const opening: Promise<Connection> = this.#openInTime(forget);
    this.#current = opening;
    opening.catch(forget);
    return opening;
  }

  async #openInTime(dropped: () => void): Promise<Connection> {
    const opened = this.#open(dropped);
    const late = Symbol("late");
    const first = await within(this.#openMilliseconds, opened, late);
    if (first !== late) return first;
    // Nobody waits for it any more.
    opened.then(
      (connection) => this.#end(connection),
      () => {},
    );
    throw new Error(`no connection within ${this.#openMilliseconds / 1000} seconds`);
  }

  /** Of several who drop it one ends it, and no other one that was made meanwhile. */
  async #drop(connection: Promise<Connection>): Promise<void> {
    if (this.#current !== connection) return;
    this.#current = undefined;
    try {
      await this.#end(await connection);
    } catch {
      // It never began.
    }
  }

  async #end(connection: Connection): Promise<void> {
    try {
      await within(closeMilliseconds, this.#close(connection), undefined);
    } catch {
      // It had ended already.
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.drop();
  }
}

/** What `promise` resolves with, or `otherwise` when that takes too long. */
async function within<Value, Otherwise>(
  milliseconds: number,
  promise: Promise<Value>,
  otherwise: Otherwise,
): Promise<Value | Otherwise> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Otherwise>((resolve) => {
    timer = setTimeout(resolve, milliseconds, otherwise);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
