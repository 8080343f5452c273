// Settings of S3 that belong to an account rather than to a bucket: Block Public Access and a quota for
// all of them. Read for every request that a public grant could let in, and for every write, so what was
// read is trusted for a moment.
//
// By design: another process sees a change up to a second later; AWS says that it may take minutes.

import type { PublicAccessBlock } from "../model/access-control-list.ts";
import type { KeyValueStore } from "../storage/key-value/key-value-store.ts";
import { transact } from "../storage/key-value/transaction.ts";
import type { AccountSettingsRecord } from "./records/account-settings-record.ts";
import { decodeAccountSettingsRecord } from "./records/account-settings-record.ts";
import { keys } from "./records/keyspace.ts";
import type { Quota } from "./records/quota-record.ts";
import { encodeRecord } from "../storage/record-codec.ts";

const trustedMilliseconds = 1000;
const cachedAccounts = 1024;

interface Known {
  readonly settings: Settings;
  readonly readMilliseconds: number;
}

type Settings = Omit<AccountSettingsRecord, "v">;

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

  /** At most a second old. Answers at once when they were read lately. */
  of(accountId: string): Settings | Promise<Settings> {
    const known = this.#known.get(accountId);
    if (
      known !== undefined &&
      this.#elapsedMilliseconds() < known.readMilliseconds + trustedMilliseconds
    ) {
      return known.settings;
    }
    return this.#read(accountId);
  }

  /** What the account blocks, at most a second old. Answers at once when it was read lately. */
  publicAccessBlockOf(
    accountId: string,
  ): PublicAccessBlock | undefined | Promise<PublicAccessBlock | undefined> {
    const settings = this.of(accountId);
    if (settings instanceof Promise) return settings.then((read) => read.publicAccessBlock);
    return settings.publicAccessBlock;
  }

  /** What the account blocks now. */
  async readPublicAccessBlock(accountId: string): Promise<PublicAccessBlock | undefined> {
    return (await this.#read(accountId)).publicAccessBlock;
  }

  /** The quota that holds now. */
  async readQuota(accountId: string): Promise<Quota | undefined> {
    return (await this.#read(accountId)).quota;
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
    this.#keep(accountId, settings, this.#elapsedMilliseconds());
  }

  async #read(accountId: string): Promise<Settings> {
    const readMilliseconds = this.#elapsedMilliseconds();
    const { gets } = await this.#store.read({ gets: [keys.accountSettings(accountId)] });
    return this.#keep(accountId, decode(gets[0]?.value), readMilliseconds);
  }

  #keep(accountId: string, settings: Settings, readMilliseconds: number): Settings {
    const known = this.#known.get(accountId);
    // A read that was on its way while the setting changed knows less.
    if (known !== undefined && known.readMilliseconds > readMilliseconds) return known.settings;
    if (this.#known.size >= cachedAccounts) this.#known.clear();
    this.#known.set(accountId, { settings, readMilliseconds });
    return settings;
  }
}

function decode(value: Uint8Array | undefined): Settings {
  if (value === undefined) return {};
  const { v: _, ...settings } = decodeAccountSettingsRecord(value);
  return settings;
}
