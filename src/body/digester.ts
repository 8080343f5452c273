// The digests of one body while it passes: here on the event loop, for bodies that are not worth more,
// or on a thread (digest-lanes.ts), so that a long body is received while it is digested.

import { createChecksum } from "./checksum.ts";
import type { ChecksumAlgorithm, RunningChecksum } from "./checksum.ts";
import { openLane } from "./digest-lanes.ts";

export type Digests = ReadonlyMap<ChecksumAlgorithm, Uint8Array>;

export interface Digester {
  /** The bytes may be changed when this returns `undefined`, or when the promise resolves. */
  update(bytes: Uint8Array): Promise<void> | undefined;
  /** Ends the computation: call it once, after the last update. */
  finish(): Promise<Digests>;
  /** Must be called in the end, also after `finish`; may be called twice. */
  release(): void;
}

/** Bodies up to this length are not worth waking another thread. */
const inlineBodyBytes = 1024 * 1024;

export function createDigester(
  algorithms: ReadonlySet<ChecksumAlgorithm>,
  lengthBytes: number | undefined,
): Digester {
  const isLarge = lengthBytes !== undefined && lengthBytes > inlineBodyBytes;
  return (isLarge ? openLane(algorithms) : undefined) ?? new InlineDigester(algorithms);
}

class InlineDigester implements Digester {
  readonly #running = new Map<ChecksumAlgorithm, RunningChecksum>();

  constructor(algorithms: ReadonlySet<ChecksumAlgorithm>) {
    for (const algorithm of algorithms) this.#running.set(algorithm, createChecksum(algorithm));
  }

  update(bytes: Uint8Array): undefined {
    for (const running of this.#running.values()) running.update(bytes);
  }

  async finish(): Promise<Digests> {
    const digests = new Map<ChecksumAlgorithm, Uint8Array>();
    for (const [algorithm, running] of this.#running) digests.set(algorithm, running.digest());
    return digests;
  }

  release(): void {}
}
