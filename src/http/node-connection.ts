// The state of one client connection: the request being answered, and those that were sent ahead.

import type { Socket } from "node:net";

import type { NodeExchange } from "./node-exchange.ts";

export class NodeConnection {
  readonly socket: Socket;
  /** The request that is being handled or answered. */
  current: NodeExchange | undefined;
  /** The request that arrived last, of those not yet answered. */
  newest: NodeExchange | undefined;
  /** Requests sent ahead (pipelining), begun one after the other. */
  readonly waiting: (() => void)[] = [];
  /** What follows on this connection is not taken as requests any more. */
  isRefused = false;
  #afterAnswers: (() => void) | undefined;

  constructor(socket: Socket) {
    this.socket = socket;
  }

  /** Runs an action when every request that was taken has been answered. */
  afterAnswers(action: () => void): void {
    if (this.current === undefined) action();
    else this.#afterAnswers = action;
  }

  /** The current answer was handed over: begins the next request. */
  finish(isDraining: boolean): void {
    this.current = undefined;
    const next = this.waiting.shift();
    if (next !== undefined) {
      next();
      return;
    }
    this.newest = undefined;
    if (this.#afterAnswers !== undefined) this.#afterAnswers();
    else if (isDraining) this.socket.destroySoon();
  }

  /** Closes the connection now when it is idle; otherwise `finish` does. */
  drain(): void {
    if (this.current === undefined) this.socket.destroySoon();
  }
}
