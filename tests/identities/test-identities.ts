// Identities in memory with one account, for tests of the store and of what is built on it.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { IdentityError } from "../../src/access/identities/identity-error.ts";
import { IdentityStore } from "../../src/access/identities/identity-store.ts";
import type { AccountId } from "../../src/access/caller.ts";
import { ManualClock } from "../../src/base/clock.ts";
import { createMasterKeys } from "../../src/keys/master-key.ts";
import { MasterKeyRing } from "../../src/keys/master-key-ring.ts";
import { MemoryKeyValueStore } from "../../src/storage/key-value/memory-key-value-store.ts";

export interface TestIdentities {
  readonly identities: IdentityStore;
  readonly store: MemoryKeyValueStore;
  readonly clock: ManualClock;
  readonly sealer: MasterKeyRing;
  readonly accountId: AccountId;
}

export const allowAll = policyText({ Effect: "Allow", Action: "*", Resource: "*" });

export async function openTestIdentities(): Promise<TestIdentities> {
  const store = new MemoryKeyValueStore();
  const clock = new ManualClock(Date.UTC(2026, 0, 1));
  const sealer = new MasterKeyRing(createMasterKeys(clock.now()));
  const identities = new IdentityStore({ store, clock, sealer, randomBytes });
  const { accountId } = await identities.accounts.create({ displayName: "test" });
  return { identities, store, clock, sealer, accountId };
}

function policyText(...statements: readonly object[]): string {
  return JSON.stringify({ Version: "2012-10-17", Statement: statements });
}

/** Every key and value of a store, as text. */
export async function inspectStore(store: MemoryKeyValueStore): Promise<string> {
  const range = { start: new Uint8Array(0), end: Buffer.of(0xff), limit: 100_000 };
  const { ranges } = await store.read({ ranges: [range] });
  return (ranges[0] ?? [])
    .map(({ key, value }) => Buffer.concat([key, value]).toString("latin1"))
    .join("\n");
}

/** Asserts that a call fails with IAM's error. */
export async function refused(
  call: Promise<unknown>,
  code: string,
  message: string | RegExp,
): Promise<void> {
  await assert.rejects(call, (error) => {
    assert.ok(error instanceof IdentityError, String(error));
    assert.equal(error.code, code, error.message);
    if (typeof message === "string") assert.equal(error.message, message);
    else assert.match(error.message, message);
    return true;
  });
}
