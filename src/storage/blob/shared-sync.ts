// One directory sync for many writers: whoever arrives while one is running waits for the next one,
// which then covers everybody who waits.

/** `sync` resolves after a run of the given function that began after `sync` was called. */
export class SharedSync {
  readonly #synchronize: () => Promise<void>;
  #last: Promise<void> = Promise.resolve();
  #waiting: Promise<void> | undefined;
  #failed = false;

  constructor(synchronize: () => Promise<void>) {
    this.#synchronize = synchronize;
  }

  sync(): Promise<void> {
    this.#waiting ??= this.#runAfter(this.#last);
    return this.#waiting;
  }

  async #runAfter(last: Promise<void>): Promise<void> {
    await last;
    const run = this.#run();
    this.#last = run.catch(() => {});
    this.#waiting = undefined;
    await run;
  }

  async #run(): Promise<void> {
    // The kernel reports a failed sync once and forgets it: a later success would prove nothing.
    if (this.#failed) throw new Error("an earlier sync of this directory failed");
    try {
      await this.#synchronize();
    } catch (error) {
      this.#failed = true;
      throw error;
    }
  }
}
