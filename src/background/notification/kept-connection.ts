// A connection that is made when it is needed, kept, and made again after it broke.

export class KeptConnection<Connection> implements AsyncDisposable {
  readonly #open: (dropped: () => void) => Promise<Connection>;
  readonly #close: (connection: Connection) => Promise<unknown>;
  #current: Promise<Connection> | undefined;

  /**
   * `open` may call `dropped` whenever the connection has ended by itself; it is not closed then. What
   * `close` throws is ignored.
   */
  constructor(options: {
    readonly open: (dropped: () => void) => Promise<Connection>;
    readonly close: (connection: Connection) => Promise<unknown>;
  }) {
    this.#open = options.open;
    this.#close = options.close;
  }

  get(): Promise<Connection> {
    if (this.#current !== undefined) return this.#current;
    const opening: Promise<Connection> = this.#open(() => this.#forget(opening));
    this.#current = opening;
    opening.catch(() => this.#forget(opening));
    return opening;
  }

  /** Work that needs a sound connection: after a failure the next one gets another. */
  async use<Result>(work: (connection: Connection) => Promise<Result>): Promise<Result> {
    const connection = await this.get();
    try {
      return await work(connection);
    } catch (error) {
      await this.drop();
      throw error;
    }
  }

  /** Ends the connection: the next `get` makes another one. */
  async drop(): Promise<void> {
    const current = this.#current;
    if (current === undefined) return;
    this.#current = undefined;
    try {
      await this.#close(await current);
    } catch {
      // It had ended already, or never began.
    }
  }

  #forget(connection: Promise<Connection>): void {
    if (this.#current === connection) this.#current = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.drop();
  }
}
