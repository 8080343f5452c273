import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ManualClock } from "../base/clock.ts";
import { KmsCiphers } from "../keys/kms-ciphers.ts";
import { KmsKeys } from "../keys/kms-keys.ts";
import { createMasterKeys } from "../keys/master-key.ts";
import { MasterKeyRing } from "../keys/master-key-ring.ts";
import { MemoryKeyValueStore } from "../storage/key-value/memory-key-value-store.ts";
import { noPass } from "../../tests/simulation/no-pass.ts";
import { createKeyKeeper } from "./key-keeper.ts";

const accountId = "111122223333";
const millisecondsPerDay = 86_400_000;
const { signal } = new AbortController();

function start() {
  const clock = new ManualClock(Date.UTC(2026, 0, 1));
  const store = new MemoryKeyValueStore();
  const ciphers = new KmsCiphers(new MasterKeyRing(createMasterKeys(0)));
  const keys = new KmsKeys({ store, ciphers, clock, region: "eu-central-1" });
  const keeper = createKeyKeeper(keys);
  const create = () => keys.create({ accountId, description: "", tags: [], manager: "CUSTOMER" });
  const run = async () => (await keeper.runOnce(signal, noPass)).fields;
  const storedTexts = async () => {
    const all = { start: new Uint8Array(), end: Uint8Array.of(255), limit: 1000 };
    const { ranges } = await store.read({ ranges: [all] });
    return (ranges[0] ?? []).map(({ value }) => Buffer.from(value).toString("latin1"));
  };
  return { clock, keys, create, run, storedTexts };
}

describe("the key keeper", () => {
  test("removes a key, its material and its aliases when its deletion is due", async () => {
    const { clock, keys, create, run, storedTexts } = start();
    const [going, staying] = [await create(), await create()];
    await keys.putAlias(accountId, "alias/going", going.keyId, "create");
    await keys.putAlias(accountId, "alias/staying", staying.keyId, "create");
    const atMilliseconds = clock.now() + 7 * millisecondsPerDay;
    const deletion = { atMilliseconds, windowDays: 7 };
    await keys.update(going.keyId, (record) => ({ ...record, state: "PendingDeletion", deletion }));
    clock.advance(7 * millisecondsPerDay - 1);
    assert.deepEqual(await run(), { removed: 0, rotated: 0 });
    clock.advance(1);
    assert.deepEqual(await run(), { removed: 1, rotated: 0 });
    assert.deepEqual((await keys.list(accountId, undefined, 10)).items, [staying.keyId]);
    const { items } = await keys.listAliases(accountId, undefined, 10);
    assert.deepEqual(
      items.map(({ aliasName }) => aliasName),
      ["alias/staying"],
    );
    const texts = await storedTexts();
    assert.ok(!texts.some((text) => text.includes(going.keyId)), "nothing is left of it");
    assert.ok(!texts.some((text) => text.includes(going.materials[0]?.sealed as string)));
  });

  test("keeps a key whose deletion was cancelled", async () => {
    const { clock, keys, create, run } = start();
    const { keyId } = await create();
    const deletion = { atMilliseconds: clock.now() + 1000, windowDays: 7 };
    await keys.update(keyId, (record) => ({ ...record, state: "PendingDeletion", deletion }));
    await keys.update(keyId, ({ deletion: _cancelled, ...rest }) => {
      return { ...rest, state: "Disabled" };
    });
    clock.advance(2000);
    assert.deepEqual(await run(), { removed: 0, rotated: 0 });
    assert.equal((await keys.get(keyId, accountId)).state, "Disabled");
  });

  test("rotates a key once for each period, while it is enabled", async () => {
    const { clock, keys, create, run } = start();
    const { keyId } = await create();
    const rotation = { periodDays: 90, sinceMilliseconds: clock.now() };
    const before = await keys.update(keyId, (record) => ({ ...record, rotation }));
    const blob = keys.encrypt(before, Buffer.from("text"), {});
    clock.advance(90 * millisecondsPerDay);
    assert.deepEqual(await run(), { removed: 0, rotated: 1 });
    assert.deepEqual(await run(), { removed: 0, rotated: 0 });
    const after = await keys.get(keyId, accountId);
    assert.deepEqual(
      after.materials.map((material) => material.rotation),
      [undefined, "AUTOMATIC"],
    );
    assert.equal(keys.decrypt(after, blob, {}).toString(), "text");
    await keys.update(keyId, (record) => ({ ...record, state: "Disabled" }));
    clock.advance(90 * millisecondsPerDay);
    assert.deepEqual(await run(), { removed: 0, rotated: 0 });
    await keys.update(keyId, (record) => ({ ...record, state: "Enabled" }));
    assert.deepEqual(await run(), { removed: 0, rotated: 1 });
  });

  test("looks at more keys than one page holds", async () => {
    const { clock, keys, create, run } = start();
    for (let count = 0; count < 205; count += 1) {
      const { keyId } = await create();
      const deletion = { atMilliseconds: clock.now() + 1000, windowDays: 7 };
      await keys.update(keyId, (record) => ({ ...record, state: "PendingDeletion", deletion }));
    }
    clock.advance(1000);
    assert.deepEqual(await run(), { removed: 205, rotated: 0 });
  });
});
