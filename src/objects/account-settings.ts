// Settings of S3 that belong to an account rather than to a bucket: Block Public Access and a quota for
// all of them. They hold for the next request to any worker, so whatever is allowed by them is decided
// by what the store says at that moment; what was read before is good for a first look alone.

import type { PublicAccessBlock } from "../model/access-control-list.ts";
import type { KeyValueStore } from "../storage/key-value/key-value-store.ts";
import { transact } from "../storage/key-value/transaction.ts";
import type { AccountSettingsRecord } from "./records/account-settings-record.ts";
import { decodeAccountSettingsRecord } from "./records/account-settings-record.ts";
import { keys } from "./records/keyspace.ts";
import type { Quota } from "./records/quota-record.ts";
import { encodeRecord } from "../storage/record-codec.ts";

const cachedAccounts = 1024;

type Settings = Omit<AccountSettingsRecord, "v">;

export class AccountSettings {
  readonly #store: KeyValueStore;
  /** Accounts that have a quota, as this process saw it last. */
  readonly #limited = new Set<string>();

  constructor({ store }: { readonly store: KeyValueStore }) {
    this.#store = store;
  }

  /** What the account blocks. */
  async publicAccessBlockOf(accountId: string): Promise<PublicAccessBlock | undefined> {
    return (await this.#read(accountId)).publicAccessBlock;
  }

  async quotaOf(accountId: string): Promise<Quota | undefined> {
    return (await this.#read(accountId)).quota;
  }

  /** Whether this process knows of a quota: a look without a read, which may be wrong. */
  seemsLimited(accountId: string): boolean {
    return this.#limited.has(accountId);
  }

  /** `undefined` removes it. */
  setPublicAccessBlock(
    accountId: string,
    publicAccessBlock: PublicAccessBlock | undefined,
  ): Promise<void> {
    return this.#change(accountId, "publicAccessBlock", publicAccessBlock);
  }

  /** `undefined` removes it. */
  setQuota(accountId: string, quota: Quota | undefined): Promise<void> {
    return this.#change(accountId, "quota", quota);
  }

  async #change<Name extends keyof Settings>(
    accountId: string,
    name: Name,
    value: Settings[Name],
  ): Promise<void> {
    const key = keys.accountSettings(accountId);
    const settings = await transact(this.#store, async (transaction) => {
      const { [name]: _, ...others } = decode(await transaction.get(key));
      const after: Settings = value === undefined ? others : { ...others, [name]: value };
      if (Object.keys(after).length === 0) transaction.delete(key);
      else transaction.set(key, encodeRecord({ v: 1, ...after }));
      return after;
    });
    this.#keep(accountId, settings);
  }

  async #read(accountId: string): Promise<Settings> {
    const { gets } = await this.#store.read({ gets: [keys.accountSettings(accountId)] });
    const settings = decode(gets[0]?.value);
    this.#keep(accountId, settings);
    return settings;
  }

  #keep(accountId: string, { quota }: Settings): void {
    if (quota === undefined) {
      this.#limited.delete(accountId);
      return;
    }
    if (this.#limited.size >= cachedAccounts) this.#limited.clear();
    this.#limited.add(accountId);
  }
}

function decode(value: Uint8Array | undefined): Settings {
  if (value === undefined) return {};
  const { v: _, ...settings } = decodeAccountSettingsRecord(value);
  return settings;
}
