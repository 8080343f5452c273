// The KMS keys that Holdfast keeps itself: records in the metadata store, their material sealed by the
// master key. Knows the states of a key and who may be changed how; policies and callers are judged by
// whoever calls.

import { randomUUID } from "node:crypto";
import type { Clock } from "../base/clock.ts";
import type { KeyValueStore } from "../storage/key-value/key-value-store.ts";
import { transact, type Transaction } from "../storage/key-value/transaction.ts";
import {
  aliasNotFound,
  keyArnOf,
  keyNotFound,
  parseKeyReference,
  type KeyPlace,
  type KeyReference,
} from "./key-arn.ts";
import {
  decodeKmsAliasRecord,
  decodeKmsKeyRecord,
  keys,
  lastPartOf,
  ranges,
  type KmsAliasRecord,
  type KmsKeyRecord,
} from "./key-records.ts";
import { defaultKeyPolicy, s3KeyPolicy } from "./key-policy.ts";
import type { EncryptionContext } from "./key-provider.ts";
import { currentMaterialOf, decodeHeader, type KmsCiphers } from "./kms-ciphers.ts";
import { KmsError } from "./kms-error.ts";
import { encodeRecord } from "../storage/record-codec.ts";

export interface KmsKeysOptions {
  readonly store: KeyValueStore;
  readonly ciphers: KmsCiphers;
  readonly clock: Clock;
  readonly region: string;
}

export interface NewKmsKey {
  readonly accountId: string;
  readonly description: string;
  readonly policy?: string;
  readonly tags: KmsKeyRecord["tags"];
  readonly manager: KmsKeyRecord["manager"];
}

export interface NamedAlias extends KmsAliasRecord {
  readonly aliasName: string;
}

/** Names and a mark of where the next page begins, which is the last name of this one. */
export interface Page<Item> {
  readonly items: readonly Item[];
  readonly next: string | undefined;
}

const s3AliasName = "alias/aws/s3";
// The text that the aws/s3 key of every AWS account has.
const s3KeyDescription = "Default key that protects my S3 objects when no other key is defined";

export class KmsKeys {
  readonly region: string;
  readonly #store: KeyValueStore;
  readonly #ciphers: KmsCiphers;
  readonly #clock: Clock;

  constructor({ store, ciphers, clock, region }: KmsKeysOptions) {
    this.region = region;
    this.#store = store;
    this.#ciphers = ciphers;
    this.#clock = clock;
  }

  now(): number {
    return this.#clock.now();
  }

  arnOf({ accountId, keyId }: Pick<KmsKeyRecord, "accountId" | "keyId">): string {
    return keyArnOf({ region: this.region, accountId }, keyId);
  }

  policyOf({ accountId, manager, policy }: KmsKeyRecord): string {
    if (manager === "AWS") return s3KeyPolicy(accountId, this.region);
    return policy ?? defaultKeyPolicy(accountId);
  }

  /** The key of a name, in whatever state. Throws KmsError NotFoundException. */
  async get(name: string, accountId: string): Promise<KmsKeyRecord> {
    const reference = parseKeyReference(name, { region: this.region, accountId });
    const keyId = await this.#keyIdOf(reference);
    return this.#checkFound(await this.#read(keyId), { ...reference, keyId });
  }

  /** The key that protects the S3 objects of an account where no other is named. */
  async getForS3(accountId: string): Promise<KmsKeyRecord> {
    const alias = await this.findAlias(accountId, s3AliasName);
    const record = alias === undefined ? undefined : await this.#read(alias.keyId);
    return record ?? (await this.#createForS3(accountId));
  }

  async create(made: NewKmsKey): Promise<KmsKeyRecord> {
    const record = this.#newRecord(made);
    await transact(this.#store, async (transaction) => this.#insert(transaction, record));
    return record;
  }

  /** Changes a key, whose state `change` judges; it may run again. Answers the changed record. */
  async update(
    keyId: string,
    change: (record: KmsKeyRecord) => KmsKeyRecord,
  ): Promise<KmsKeyRecord> {
    return await transact(this.#store, async (transaction) => {
      const key = keys.kmsKey(keyId);
      const value = await transaction.get(key);
      const place = { region: this.region, accountId: "" };
      if (value === undefined) throw keyNotFound(place, keyId);
      const record = decodeKmsKeyRecord(value);
      const changed = change(this.#checkFound(record, record));
      if (changed !== record) transaction.set(key, encodeRecord(changed));
      return changed;
    });
  }

  encrypt(record: KmsKeyRecord, plain: Uint8Array, context: EncryptionContext): Buffer {
    this.checkUsable(record);
    return this.#ciphers.encrypt(record, plain, context);
  }

  /**
   * The key that a ciphertext names. Throws KmsError InvalidCiphertextException where there is none:
   * what a stranger made up says nothing about which keys exist.
   */
  async getForCiphertext(ciphertext: Uint8Array): Promise<KmsKeyRecord> {
    const { keyId } = decodeHeader(ciphertext);
    const record = await this.#read(keyId);
    if (record === undefined) throw new KmsError("InvalidCiphertextException", "");
    return record;
  }

  decrypt(record: KmsKeyRecord, ciphertext: Uint8Array, context: EncryptionContext): Buffer {
    this.checkUsable(record);
    return this.#ciphers.decrypt(record, ciphertext, context);
  }

  /** Throws KmsError DisabledException, KMSInvalidStateException. */
  checkUsable(record: KmsKeyRecord): void {
    this.checkNotPendingDeletion(record);
    if (record.state === "Disabled") {
      throw new KmsError("DisabledException", `${this.arnOf(record)} is disabled.`);
    }
  }

  checkNotPendingDeletion(record: KmsKeyRecord): void {
    if (record.state !== "PendingDeletion") return;
    throw new KmsError("KMSInvalidStateException", `${this.arnOf(record)} is pending deletion.`);
  }

  /** A key with one more material, which encrypts from now on. */
  rotated(record: KmsKeyRecord, rotation: "AUTOMATIC" | "ON_DEMAND"): KmsKeyRecord {
    const number = currentMaterialOf(record).number + 1;
    const material = this.#ciphers.createMaterial(record.keyId, number, this.now());
    return { ...record, materials: [...record.materials, { ...material, rotation }] };
  }

  async list(accountId: string, after: string | undefined, limit: number): Promise<Page<string>> {
    const range = { ...ranges.kmsKeysOfAccount(accountId, after), limit: limit + 1 };
    const { ranges: results } = await this.#store.read({ ranges: [range] });
    return pageOf(
      (results[0] ?? []).map(({ key }) => lastPartOf(key)),
      limit,
      (id) => id,
    );
  }

  async findAlias(accountId: string, aliasName: string): Promise<KmsAliasRecord | undefined> {
    const { gets } = await this.#store.read({ gets: [keys.kmsAlias(accountId, aliasName)] });
    return gets[0] === undefined ? undefined : decodeKmsAliasRecord(gets[0].value);
  }

  async listAliases(
    accountId: string,
    after: string | undefined,
    limit: number,
  ): Promise<Page<NamedAlias>> {
    const range = { ...ranges.kmsAliases(accountId, after), limit: limit + 1 };
    const { ranges: results } = await this.#store.read({ ranges: [range] });
    const aliases = (results[0] ?? []).map(({ key, value }) => {
      return { ...decodeKmsAliasRecord(value), aliasName: lastPartOf(key) };
    });
    return pageOf(aliases, limit, ({ aliasName }) => aliasName);
  }

  /**
   * Makes an alias mean a key, of the same account. `mode` says whether the alias must be new or must
   * be there. Throws KmsError AlreadyExistsException, NotFoundException, KMSInvalidStateException.
   */
  async putAlias(
    accountId: string,
    aliasName: string,
    keyId: string,
    mode: "create" | "update",
  ): Promise<void> {
    const place = { region: this.region, accountId };
    await transact(this.#store, async (transaction) => {
      const aliasKey = keys.kmsAlias(accountId, aliasName);
      const [aliasValue, keyValue] = await transaction.getMany([aliasKey, keys.kmsKey(keyId)]);
      if (keyValue === undefined) throw keyNotFound(place, keyId);
      this.checkNotPendingDeletion(
        this.#checkFound(decodeKmsKeyRecord(keyValue), { accountId, keyId }),
      );
      if (mode === "create" && aliasValue !== undefined) {
        throw new KmsError(
          "AlreadyExistsException",
          `An alias with the name arn:aws:kms:${this.region}:${accountId}:${aliasName} already exists`,
        );
      }
      if (mode === "update" && aliasValue === undefined) throw aliasNotFound(place, aliasName);
      const now = this.now();
      const createdMilliseconds =
        aliasValue === undefined ? now : decodeKmsAliasRecord(aliasValue).createdMilliseconds;
      const record: KmsAliasRecord = { v: 1, keyId, createdMilliseconds, updatedMilliseconds: now };
      transaction.set(aliasKey, encodeRecord(record));
    });
  }

  async deleteAlias(accountId: string, aliasName: string): Promise<void> {
    await transact(this.#store, async (transaction) => {
      const key = keys.kmsAlias(accountId, aliasName);
      if ((await transaction.get(key)) === undefined) {
        throw aliasNotFound({ region: this.region, accountId }, aliasName);
      }
      transaction.delete(key);
    });
  }

  /** Every key of every account, for the worker that looks after them. */
  async page(after: string | undefined, limit: number): Promise<Page<KmsKeyRecord>> {
    const range = { ...ranges.kmsKeys(after), limit: limit + 1 };
    const { ranges: results } = await this.#store.read({ ranges: [range] });
    const records = (results[0] ?? []).map(({ value }) => decodeKmsKeyRecord(value));
    return pageOf(records, limit, ({ keyId }) => keyId);
  }

  /** Removes a key whose time has come, with its material and its aliases: nothing opens what it sealed. */
  async remove(record: KmsKeyRecord): Promise<boolean> {
    const { accountId, keyId } = record;
    const aliases = await this.#aliasesOf(record);
    return await transact(this.#store, async (transaction) => {
      const key = keys.kmsKey(keyId);
      const [value, ...aliasValues] = await transaction.getMany([
        key,
        ...aliases.map((name) => keys.kmsAlias(accountId, name)),
      ]);
      if (value === undefined || !this.#isGone(decodeKmsKeyRecord(value))) return false;
      transaction.delete(key);
      transaction.delete(keys.kmsKeyOfAccount(accountId, keyId));
      for (const [index, name] of aliases.entries()) {
        const aliasValue = aliasValues[index];
        // It may mean another key by now.
        if (aliasValue === undefined || decodeKmsAliasRecord(aliasValue).keyId !== keyId) continue;
        transaction.delete(keys.kmsAlias(accountId, name));
      }
      return true;
    });
  }

  async #aliasesOf({ accountId, keyId }: KmsKeyRecord): Promise<readonly string[]> {
    const names: string[] = [];
    let after: string | undefined;
    do {
      const page = await this.listAliases(accountId, after, 1000);
      for (const alias of page.items) if (alias.keyId === keyId) names.push(alias.aliasName);
      after = page.next;
    } while (after !== undefined);
    return names;
  }

  async #createForS3(accountId: string): Promise<KmsKeyRecord> {
    const made = this.#newRecord({
      accountId,
      description: s3KeyDescription,
      tags: [],
      manager: "AWS",
    });
    return await transact(this.#store, async (transaction) => {
      const aliasKey = keys.kmsAlias(accountId, s3AliasName);
      const aliasValue = await transaction.get(aliasKey);
      if (aliasValue !== undefined) {
        const { keyId } = decodeKmsAliasRecord(aliasValue);
        const value = await transaction.get(keys.kmsKey(keyId));
        if (value !== undefined) return decodeKmsKeyRecord(value);
      }
      this.#insert(transaction, made);
      const now = this.now();
      const alias: KmsAliasRecord = {
        v: 1,
        keyId: made.keyId,
        createdMilliseconds: now,
        updatedMilliseconds: now,
      };
      transaction.set(aliasKey, encodeRecord(alias));
      return made;
    });
  }

  #newRecord({ accountId, description, policy, tags, manager }: NewKmsKey): KmsKeyRecord {
    const keyId = randomUUID();
    const now = this.now();
    return {
      v: 1,
      keyId,
      accountId,
      createdMilliseconds: now,
      description,
      state: "Enabled",
      manager,
      ...(policy === undefined ? {} : { policy }),
      tags,
      // AWS rotates the keys that it manages each year, and nobody can stop it.
      ...(manager === "AWS" ? { rotation: { periodDays: 365, sinceMilliseconds: now } } : {}),
      materials: [this.#ciphers.createMaterial(keyId, 1, now)],
    };
  }

  #insert(transaction: Transaction, record: KmsKeyRecord): void {
    const { accountId, keyId } = record;
    transaction.set(keys.kmsKey(keyId), encodeRecord(record));
    transaction.set(keys.kmsKeyOfAccount(accountId, keyId), encodeRecord({ v: 1 }));
  }

  async #keyIdOf(reference: KeyReference): Promise<string> {
    if (reference.kind === "key") return reference.keyId;
    const { accountId, aliasName } = reference;
    const alias = await this.findAlias(accountId, aliasName);
    if (alias !== undefined) return alias.keyId;
    // Made when it is first named, as AWS makes it when a service first uses it.
    if (aliasName === s3AliasName) return (await this.#createForS3(accountId)).keyId;
    throw aliasNotFound({ region: this.region, accountId }, aliasName);
  }

  async #read(keyId: string): Promise<KmsKeyRecord | undefined> {
    const { gets } = await this.#store.read({ gets: [keys.kmsKey(keyId)] });
    const record = gets[0] === undefined ? undefined : decodeKmsKeyRecord(gets[0].value);
    return record === undefined || this.#isGone(record) ? undefined : record;
  }

  /** A key of another account is as absent as none. */
  #checkFound(
    record: KmsKeyRecord | undefined,
    wanted: { readonly accountId: string; readonly keyId: string },
  ): KmsKeyRecord {
    if (record?.accountId === wanted.accountId && !this.#isGone(record)) return record;
    const place: KeyPlace = { region: this.region, accountId: wanted.accountId };
    throw keyNotFound(place, wanted.keyId);
  }

  /** Whether a scheduled deletion is due: the key is gone for everybody, whenever the worker comes. */
  #isGone({ deletion }: KmsKeyRecord): boolean {
    return deletion !== undefined && this.now() >= deletion.atMilliseconds;
  }
}

function pageOf<Item>(
  found: readonly Item[],
  limit: number,
  nameOf: (item: Item) => string,
): Page<Item> {
  const items = found.slice(0, limit);
  const last = items.at(-1);
  return { items, next: found.length > limit && last !== undefined ? nameOf(last) : undefined };
}
