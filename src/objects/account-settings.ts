// Settings of S3 that belong to an account rather than to a bucket: Block Public Access for all of them.
// Read for every request that a public grant could let in, so what was read is trusted for a moment.
//
// By design: another process sees a change up to a second later; AWS says that it may take minutes.

import type { PublicAccessBlock } from "../model/access-control-list.ts";
import type { KeyValueStore } from "../storage/key-value/key-value-store.ts";
import { transact } from "../storage/key-value/transaction.ts";
import type { AccountSettingsRecord } from "./records/account-settings-record.ts";
import { decodeAccountSettingsRecord } from "./records/account-settings-record.ts";
import { keys } from "./records/keyspace.ts";
import { encodeRecord } from "../storage/record-codec.ts";

const trustedMilliseconds = 1000;
const cachedAccounts = 1024;

interface Known {
  readonly publicAccessBlock: PublicAccessBlock | undefined;
  readonly readMilliseconds: number;
}

export class AccountSettings {
  readonly #store: KeyValueStore;
  /** Not the server's clock, which may stand still or go backwards. */
  readonly #elapsedMilliseconds: () => number;
  readonly #known = new Map<string, Known>();

  constructor(options: {
    readonly store: KeyValueStore;
    readonly elapsedMilliseconds?: () => number;
  }) {
    this.#store = options.store;
    this.#elapsedMilliseconds = options.elapsedMilliseconds ?? (() => performance.now());
  }

  /** What the account blocks, at most a second old. Answers at once when it was read lately. */
  publicAccessBlockOf(
    accountId: string,
  ): PublicAccessBlock | undefined | Promise<PublicAccessBlock | undefined> {
    const known = this.#known.get(accountId);
    if (
      known !== undefined &&
      this.#elapsedMilliseconds() < known.readMilliseconds + trustedMilliseconds
    ) {
      return known.publicAccessBlock;
    }
    return this.readPublicAccessBlock(accountId);
  }

  /** What the account blocks now. */
  async readPublicAccessBlock(accountId: string): Promise<PublicAccessBlock | undefined> {
    const readMilliseconds = this.#elapsedMilliseconds();
    const { gets } = await this.#store.read({ gets: [keys.accountSettings(accountId)] });
    const value = gets[0]?.value;
    const record = value === undefined ? undefined : decodeAccountSettingsRecord(value);
    return this.#keep(accountId, record?.publicAccessBlock, readMilliseconds);
  }

  /** `undefined` removes it. */
  async setPublicAccessBlock(
    accountId: string,
    publicAccessBlock: PublicAccessBlock | undefined,
  ): Promise<void> {
    const key = keys.accountSettings(accountId);
    await transact(this.#store, async (transaction) => {
      await transaction.get(key);
      if (publicAccessBlock === undefined) {
        transaction.delete(key);
        return;
      }
      const record: AccountSettingsRecord = { v: 1, publicAccessBlock };
      transaction.set(key, encodeRecord(record));
    });
    this.#keep(accountId, publicAccessBlock, this.#elapsedMilliseconds());
  }

  #keep(
    accountId: string,
    publicAccessBlock: PublicAccessBlock | undefined,
    readMilliseconds: number,
  ): PublicAccessBlock | undefined {
    const known = this.#known.get(accountId);
    // A read that was on its way while the setting changed knows less.
    if (known !== undefined && known.readMilliseconds > readMilliseconds) {
      return known.publicAccessBlock;
    }
    if (this.#known.size >= cachedAccounts) this.#known.clear();
    this.#known.set(accountId, { publicAccessBlock, readMilliseconds });
    return publicAccessBlock;
  }
}
