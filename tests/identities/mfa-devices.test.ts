import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeBase32, totpCode, totpStepAt } from "../../src/access/identities/totp.ts";
import { inspectStore, openTestIdentities, refused } from "./test-identities.ts";

async function openWithDevice() {
  const opened = await openTestIdentities();
  const { identities, accountId, clock } = opened;
  const user = await identities.users.create(accountId, { userName: "bob" });
  const device = await identities.mfaDevices.create(accountId, { virtualMFADeviceName: "phone" });
  const seed = decodeBase32(device.base32Seed) as Uint8Array;
  const codeAt = (offset: number): string => totpCode(seed, totpStepAt(clock.now()) + offset);
  const bob = { accountId, userName: "bob" };
  const owner = { accountId, ownerId: user.id };
  return { ...opened, device, codeAt, bob, owner, serial: device.serialNumber };
}

test("two codes that follow each other enable a device; others do not", async () => {
  const { identities, codeAt, bob, owner, serial } = await openWithDevice();
  const { mfaDevices } = identities;
  assert.equal(serial, `arn:aws:iam::${bob.accountId}:mfa/phone`);
  const words = "Authentication code for device is not valid.";
  for (const [code1, code2] of [
    [codeAt(0), codeAt(0)],
    [codeAt(0), codeAt(-1)],
    ["000000", codeAt(0)],
  ] as const) {
    const enabling = mfaDevices.enable(bob, serial, { code1, code2 });
    await refused(enabling, "InvalidAuthenticationCode", words);
  }
  assert.equal(await mfaDevices.verify(owner, serial, codeAt(0)), false, "not enabled yet");
  await mfaDevices.enable(bob, serial, { code1: codeAt(-1), code2: codeAt(0) });
  const { items } = await mfaDevices.listOf(bob);
  assert.deepEqual(
    items.map(({ serialNumber, userName }) => [serialNumber, userName]),
    [[serial, "bob"]],
  );
});

test("a code is good once, and for its owner alone", async () => {
  const { identities, codeAt, bob, owner, serial, clock, accountId } = await openWithDevice();
  const { mfaDevices, users } = identities;
  await mfaDevices.enable(bob, serial, { code1: codeAt(-1), code2: codeAt(0) });
  assert.equal(await mfaDevices.verify(owner, serial, codeAt(0)), false, "used for enabling");
  clock.advance(30_000);
  const eve = await users.create(accountId, { userName: "eve" });
  assert.equal(await mfaDevices.verify({ accountId, ownerId: eve.id }, serial, codeAt(0)), false);
  const racing = await Promise.all(
    [1, 2, 3].map(() => mfaDevices.verify(owner, serial, codeAt(0))),
  );
  assert.equal(racing.filter(Boolean).length, 1);
  clock.advance(60_000);
  assert.equal(await mfaDevices.verify(owner, serial, codeAt(-1)), true, "a slow typist");
  assert.equal(await mfaDevices.verify(owner, serial, codeAt(-2)), false);
});

test("after five wrong codes even the right one must wait a minute", async () => {
  const { identities, codeAt, bob, owner, serial, clock } = await openWithDevice();
  const { mfaDevices } = identities;
  await mfaDevices.enable(bob, serial, { code1: codeAt(-1), code2: codeAt(0) });
  clock.advance(30_000);
  for (let count = 0; count < 5; count += 1) {
    assert.equal(await mfaDevices.verify(owner, serial, "not it"), false);
  }
  assert.equal(await mfaDevices.verify(owner, serial, codeAt(0)), false);
  clock.advance(60_000);
  assert.equal(await mfaDevices.verify(owner, serial, codeAt(0)), true);
});

test("a device whose clock is off is brought back", async () => {
  const { identities, codeAt, bob, owner, serial, clock } = await openWithDevice();
  const { mfaDevices } = identities;
  await mfaDevices.enable(bob, serial, { code1: codeAt(-1), code2: codeAt(0) });
  clock.advance(300_000);
  assert.equal(await mfaDevices.verify(owner, serial, codeAt(7)), false);
  await mfaDevices.resynchronize(bob, serial, { code1: codeAt(7), code2: codeAt(8) });
  clock.advance(30_000);
  assert.equal(await mfaDevices.verify(owner, serial, codeAt(8)), true);
});

test("a device in use stays, and its user with it", async () => {
  const { identities, codeAt, bob, serial, accountId, device, store } = await openWithDevice();
  const { mfaDevices, users } = identities;
  await mfaDevices.enable(bob, serial, { code1: codeAt(-1), code2: codeAt(0) });
  assert.ok(!(await inspectStore(store)).includes(device.base32Seed), "the seed is sealed");
  const words = "MFA VirtualDevice in use. Must deactivate first.";
  await refused(mfaDevices.delete(accountId, serial), "DeleteConflict", words);
  await refused(users.delete(accountId, "bob"), "DeleteConflict", /must delete MFA device first/);
  await mfaDevices.deactivate(bob, serial);
  await mfaDevices.delete(accountId, serial);
  await users.delete(accountId, "bob");
  const gone = `VirtualMFADevice with serial number ${serial} doesn't exist.`;
  await refused(mfaDevices.delete(accountId, serial), "NoSuchEntity", gone);
});
