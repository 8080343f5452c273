// When access keys and roles were used last: remembered in memory, written now and then, many at once.
// What a process that dies had not written yet is lost; IAM's own answer is late as well.

import type { Clock } from "../../base/clock.ts";
import type { KeyValueStore } from "../../storage/key-value/key-value-store.ts";
import { encodeRecord } from "../../storage/record-codec.ts";
import { identityKeys } from "./identity-keys.ts";
import type { LastUsedRecord } from "./identity-records.ts";

/** One and the same key is written so often at most. */
const rewriteMilliseconds = 60_000;
const rememberedIds = 10_000;

interface Use {
  readonly record: LastUsedRecord;
  isWritten: boolean;
}

export class LastUsed {
  readonly #store: KeyValueStore;
  readonly #clock: Clock;
  readonly #uses = new Map<string, Use>();
  #unwritten = 0;

  constructor(store: KeyValueStore, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  /** `id`: of an access key or of a role. */
  note(id: string, service: string, region: string): void {
    const now = this.#clock.now();
    const known = this.#uses.get(id);
    if (known !== undefined && isFresh(known.record, { now, service, region })) return;
    if (known === undefined && this.#uses.size >= rememberedIds) this.#forget();
    if (known === undefined || known.isWritten) this.#unwritten += 1;
    const record: LastUsedRecord = { v: 1, usedMilliseconds: now, service, region };
    this.#uses.set(id, { record, isWritten: false });
  }

  /** Writes what is new. Answers how many records that were. */
  async flush(): Promise<number> {
    if (this.#unwritten === 0) return 0;
    const written = [...this.#uses].filter(([, use]) => !use.isWritten);
    const sets = written.map(([id, { record }]) => ({
      key: identityKeys.lastUsed(id),
      value: encodeRecord(record),
    }));
    this.#mark(written, true);
    try {
      await this.#store.write({ checks: [], sets, deletes: [], additions: [] });
    } catch (error) {
      this.#mark(written, false);
      throw error;
    }
    return sets.length;
  }

  #mark(uses: readonly (readonly [string, Use])[], isWritten: boolean): void {
    for (const [id, use] of uses) {
      // Used again meanwhile, or forgotten: counted elsewhere.
      if (this.#uses.get(id) !== use || use.isWritten === isWritten) continue;
      use.isWritten = isWritten;
      this.#unwritten += isWritten ? -1 : 1;
    }
  }

  /** Better to lose the oldest notes than to grow without bound between two flushes. */
  #forget(): void {
    for (const [id, use] of this.#uses) {
      if (!use.isWritten) this.#unwritten -= 1;
      this.#uses.delete(id);
      if (this.#uses.size <= rememberedIds / 2) return;
    }
  }
}

/** Known already, or near enough. */
function isFresh(
  known: LastUsedRecord,
  { now, service, region }: { now: number; service: string; region: string },
): boolean {
  const isSame = known.service === service && known.region === region;
  return isSame && Math.abs(now - known.usedMilliseconds) < rewriteMilliseconds;
}
