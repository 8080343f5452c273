import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ManualClock } from "../base/clock.ts";
import { S3Error } from "../model/errors.ts";
import { MemoryKeyValueStore } from "../storage/key-value/memory-key-value-store.ts";
import { DataKeys } from "./data-keys.ts";
import type { KmsKeyRecord } from "./key-records.ts";
import type { KeyProvider } from "./key-provider.ts";
import { KmsCiphers } from "./kms-ciphers.ts";
import { KmsKeys } from "./kms-keys.ts";
import { LocalKeyProvider } from "./local-key-provider.ts";
import { createMasterKeys } from "./master-key.ts";
import { MasterKeyRing } from "./master-key-ring.ts";
import { KeySealError } from "./sealer.ts";

const accountId = "111122223333";
const region = "eu-central-1";
const encryptionContext = { "aws:s3:arn": "arn:aws:s3:::bucket/key", project: "x" };
const bucketKeyContext = { "aws:s3:arn": "arn:aws:s3:::bucket" };
const absentId = "134f2428-cec1-4b25-a1ae-9048164dba47";

function start() {
  const clock = new ManualClock(Date.UTC(2026, 0, 1));
  const store = new MemoryKeyValueStore();
  const ciphers = new KmsCiphers(new MasterKeyRing(createMasterKeys(0)));
  const keys = new KmsKeys({ store, ciphers, clock, region });
  const provider = new CountingProvider(new LocalKeyProvider(keys));
  const local = { prefix: "local:", provider, isRemote: false };
  const remote = { ...local, isRemote: true };
  return {
    clock,
    store,
    keys,
    provider,
    dataKeys: new DataKeys({ providers: [local], clock }),
    remoteDataKeys: new DataKeys({ providers: [remote], clock }),
    create: (state: KmsKeyRecord["state"] = "Enabled") => createKey(keys, state),
  };
}

class CountingProvider implements KeyProvider {
  readonly #provider: KeyProvider;
  generated = 0;
  decrypted = 0;

  constructor(provider: KeyProvider) {
    this.#provider = provider;
  }

  describe(...parameters: Parameters<KeyProvider["describe"]>) {
    return this.#provider.describe(...parameters);
  }

  protectionOf(...parameters: Parameters<KeyProvider["protectionOf"]>) {
    return this.#provider.protectionOf(...parameters);
  }

  generateDataKey(...parameters: Parameters<KeyProvider["generateDataKey"]>) {
    this.generated += 1;
    return this.#provider.generateDataKey(...parameters);
  }

  decrypt(...parameters: Parameters<KeyProvider["decrypt"]>) {
    this.decrypted += 1;
    return this.#provider.decrypt(...parameters);
  }
}

async function createKey(keys: KmsKeys, state: KmsKeyRecord["state"]): Promise<KmsKeyRecord> {
  const made = await keys.create({ accountId, description: "", tags: [], manager: "CUSTOMER" });
  return await keys.update(made.keyId, (record) => ({ ...record, state }));
}

function materialNumberOf(wrapped: string): number {
  return Buffer.from(wrapped.slice("local:".length), "base64").readUInt32BE(17);
}

async function refusalOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    assert.ok(error instanceof S3Error, String(error));
    return `${error.status} ${error.code}: ${error.message}`;
  }
  return assert.fail("was not refused");
}

describe("data keys of local KMS keys", () => {
  test("open again with the same encryption context, in any order of its pairs", async () => {
    const { dataKeys, create, keys } = start();
    const key = await create();
    const made = await dataKeys.create({ keyId: key.keyId, accountId, encryptionContext });
    assert.equal(made.keyArn, `arn:aws:kms:${region}:${accountId}:key/${key.keyId}`);
    assert.equal(made.keyArn, keys.arnOf(key));
    assert.match(made.wrapped, /^local:[\x21-\x7e]+$/);
    const { project, ...rest } = encryptionContext;
    const reordered = { project, ...rest };
    const opened = await dataKeys.open({ ...made, encryptionContext: reordered });
    assert.deepEqual(Buffer.from(opened), made.plaintext);
    for (const wrong of [{}, rest, { ...encryptionContext, more: "" }, { ...rest, project: "y" }]) {
      await assert.rejects(dataKeys.open({ ...made, encryptionContext: wrong }), KeySealError);
    }
  });

  test("take every name of a key", async () => {
    const { dataKeys, create, keys } = start();
    const key = await create();
    await keys.putAlias(accountId, "alias/mine", key.keyId, "create");
    const keyArn = keys.arnOf(key);
    const names = [
      key.keyId,
      keyArn,
      "alias/mine",
      `arn:aws:kms:${region}:${accountId}:alias/mine`,
    ];
    for (const keyId of names) {
      assert.equal((await dataKeys.describe({ keyId, accountId })).keyArn, keyArn, keyId);
      assert.equal((await dataKeys.create({ keyId, accountId, encryptionContext })).keyArn, keyArn);
    }
    const other = "444455556666";
    assert.equal(
      (await dataKeys.describe({ keyId: keyArn, accountId: other })).accountId,
      accountId,
    );
    assert.match(
      await refusalOf(dataKeys.describe({ keyId: key.keyId, accountId: other })),
      /^400 KMS\.NotFoundException: Key 'arn:aws:kms:eu-central-1:444455556666:key\/.*' does not exist/,
    );
  });

  test("are refused in S3's words when the key is not there or not usable", async () => {
    const { dataKeys, create, keys } = start();
    const [disabled, pending] = [await create("Disabled"), await create("PendingDeletion")];
    const cases = [
      ["nonsense", "KMS.NotFoundException: Invalid keyId 'nonsense'"],
      [
        absentId,
        `KMS.NotFoundException: Key '${keys.arnOf({ accountId, keyId: absentId })}' does not exist`,
      ],
      ["arn:aws:kms", "KMS.NotFoundException: Invalid arn arn:aws:kms"],
      [
        `arn:aws:kms:us-west-2:${accountId}:key/${absentId}`,
        "KMS.NotFoundException: Invalid arn us-west-2",
      ],
      [
        "alias/none",
        `KMS.NotFoundException: Alias arn:aws:kms:${region}:${accountId}:alias/none is not found.`,
      ],
      [disabled.keyId, `KMS.DisabledException: ${keys.arnOf(disabled)} is disabled.`],
      [pending.keyId, `KMS.KMSInvalidStateException: ${keys.arnOf(pending)} is pending deletion.`],
    ] as const;
    for (const [keyId, expected] of cases) {
      const query = { keyId, accountId };
      assert.equal(await refusalOf(dataKeys.describe(query)), `400 ${expected}`);
      assert.equal(
        await refusalOf(dataKeys.create({ ...query, encryptionContext })),
        `400 ${expected}`,
      );
    }
  });

  test("do not open while their key is disabled, nor when it is gone", async () => {
    const { dataKeys, create, keys, clock } = start();
    const { keyId } = await create();
    const made = await dataKeys.create({ keyId, accountId, encryptionContext });
    await keys.update(keyId, (record) => ({ ...record, state: "Disabled" }));
    const open = () => dataKeys.open({ ...made, encryptionContext });
    assert.match(await refusalOf(open()), /^400 KMS\.DisabledException/);
    const deletion = { atMilliseconds: clock.now() + 1000, windowDays: 7 };
    await keys.update(keyId, (record) => ({ ...record, state: "PendingDeletion", deletion }));
    assert.match(await refusalOf(open()), /^400 KMS\.KMSInvalidStateException/);
    clock.advance(1000);
    assert.match(await refusalOf(open()), /^400 KMS\.NotFoundException: Key 'arn/);
  });

  test("use aws/s3 where no key is named, which is made once", async () => {
    const { dataKeys, keys } = start();
    const request = { keyId: undefined, accountId };
    const arns = await Promise.all(
      [1, 2, 3].map(async () => (await dataKeys.describe(request)).keyArn),
    );
    const named = await dataKeys.describe({ keyId: "alias/aws/s3", accountId });
    assert.deepEqual(new Set(arns), new Set([named.keyArn]));
    assert.equal(named.isAwsManaged, true);
    assert.equal((await keys.list(accountId, undefined, 10)).items.length, 1);
  });

  test("stay readable when the key is rotated", async () => {
    const { dataKeys, create, keys } = start();
    const { keyId } = await create();
    const before = await dataKeys.create({ keyId, accountId, encryptionContext });
    await keys.update(keyId, (record) => keys.rotated(record, "ON_DEMAND"));
    const after = await dataKeys.create({ keyId, accountId, encryptionContext });
    for (const made of [before, after]) {
      const opened = await dataKeys.open({ ...made, encryptionContext });
      assert.deepEqual(Buffer.from(opened), made.plaintext);
    }
    assert.deepEqual(
      [before, after].map(({ wrapped }) => materialNumberOf(wrapped)),
      [1, 2],
    );
  });

  test("do not open by another key, nor when a bit has changed", async () => {
    const { dataKeys, create, keys } = start();
    const [key, other] = [await create(), await create()];
    const made = await dataKeys.create({ keyId: key.keyId, accountId, encryptionContext });
    const byOther = { ...made, keyArn: keys.arnOf(other), encryptionContext };
    await assert.rejects(dataKeys.open(byOther), KeySealError);
    const blob = Buffer.from(made.wrapped.slice("local:".length), "base64");
    for (const index of [0, 17, 20, 21, blob.byteLength - 1]) {
      const changed = Buffer.from(blob);
      changed[index] = (changed[index] as number) ^ 1;
      const wrapped = `local:${changed.toString("base64")}`;
      await assert.rejects(dataKeys.open({ ...made, wrapped, encryptionContext }), KeySealError);
    }
  });

  test("never stand in the store in clear", async () => {
    const { create, store } = start();
    const { materials } = await create();
    const { ranges } = await store.read({
      ranges: [{ start: new Uint8Array(), end: Uint8Array.of(255), limit: 100 }],
    });
    const texts = (ranges[0] ?? []).map(({ value }) => Buffer.from(value).toString("latin1"));
    assert.equal(texts.length, 2);
    assert.ok(texts.some((text) => text.includes(materials[0]?.sealed as string)));
    assert.match(materials[0]?.sealed as string, /^hf1\./);
  });
});

describe("bucket keys", () => {
  const request = { keyId: undefined, accountId, encryptionContext, bucketKeyContext };

  test("ask the provider once for many objects, whose data keys differ", async () => {
    const { dataKeys, provider } = start();
    const made = await Promise.all([1, 2, 3].map(() => dataKeys.create(request)));
    assert.equal(provider.generated, 1);
    const plains = made.map(({ plaintext }) => Buffer.from(plaintext).toString("hex"));
    assert.equal(new Set(plains).size, 3);
    for (const [index, each] of made.entries()) {
      const opened = await dataKeys.open({ ...each, encryptionContext, bucketKeyContext });
      assert.equal(Buffer.from(opened).toString("hex"), plains[index]);
    }
    assert.equal(provider.decrypted, 1);
  });

  test("bind the object's context, and the bucket's", async () => {
    const { dataKeys } = start();
    const made = await dataKeys.create(request);
    const open = { ...made, encryptionContext, bucketKeyContext };
    await assert.rejects(dataKeys.open({ ...open, encryptionContext: {} }), KeySealError);
    const otherBucket = { "aws:s3:arn": "arn:aws:s3:::other" };
    await assert.rejects(dataKeys.open({ ...open, bucketKeyContext: otherBucket }), KeySealError);
  });

  test("are made anew after five minutes, for another bucket, key or account", async () => {
    const { dataKeys, provider, clock, create } = start();
    const { keyId } = await create();
    await dataKeys.create(request);
    clock.advance(5 * 60_000 - 1);
    await dataKeys.create(request);
    assert.equal(provider.generated, 1);
    clock.advance(1);
    await dataKeys.create(request);
    assert.equal(provider.generated, 2);
    await dataKeys.create({ ...request, keyId });
    await dataKeys.create({ ...request, bucketKeyContext: { "aws:s3:arn": "arn:aws:s3:::b" } });
    await dataKeys.create({ ...request, accountId: "444455556666" });
    assert.equal(provider.generated, 5);
  });

  test("are not kept when the provider has refused", async () => {
    const { dataKeys, keys, create } = start();
    const { keyId } = await create("Disabled");
    assert.match(await refusalOf(dataKeys.create({ ...request, keyId })), /Disabled/);
    await keys.update(keyId, (record) => ({ ...record, state: "Enabled" }));
    await dataKeys.create({ ...request, keyId });
  });
});

describe("data keys of a provider far away", () => {
  test("are opened once in five minutes, and each caller has its own copy", async () => {
    const { remoteDataKeys: dataKeys, provider, clock } = start();
    const made = await dataKeys.create({ keyId: undefined, accountId, encryptionContext });
    const open = { ...made, encryptionContext };
    const [first, second] = await Promise.all([dataKeys.open(open), dataKeys.open(open)]);
    first.fill(0);
    assert.deepEqual(Buffer.from(second), made.plaintext);
    assert.deepEqual(Buffer.from(await dataKeys.open(open)), made.plaintext);
    assert.equal(provider.decrypted, 1);
    clock.advance(5 * 60_000);
    await dataKeys.open(open);
    assert.equal(provider.decrypted, 2);
    await assert.rejects(dataKeys.open({ ...open, encryptionContext: {} }), KeySealError);
  });

  test("are kept for a thousand objects at most", async () => {
    const { remoteDataKeys: dataKeys, provider } = start();
    const request = { keyId: undefined, accountId, encryptionContext: {} };
    const made = await dataKeys.create(request);
    await dataKeys.open({ ...made, encryptionContext: {} });
    for (let index = 0; index < 1000; index += 1) {
      const each = await dataKeys.create(request);
      await dataKeys.open({ ...each, encryptionContext: {} });
    }
    for (const _again of [1, 2]) await dataKeys.open({ ...made, encryptionContext: {} });
    assert.equal(provider.decrypted, 1002, "the oldest was forgotten, and is kept again");
  });

  test("let a waiting caller go without stopping the others", async () => {
    const { remoteDataKeys: dataKeys } = start();
    const made = await dataKeys.create({ keyId: undefined, accountId, encryptionContext });
    const controller = new AbortController();
    const open = { ...made, encryptionContext };
    const gone = dataKeys.open({ ...open, signal: controller.signal });
    const stays = dataKeys.open(open);
    controller.abort(new Error("gone"));
    await assert.rejects(gone, /gone/);
    assert.deepEqual(Buffer.from(await stays), made.plaintext);
  });
});
