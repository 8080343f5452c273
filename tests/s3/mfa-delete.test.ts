// MFA delete: versions go, and the versioning state changes, with a code of a device of the root user
// alone. The device lives in the store; its codes are computed as an authenticator does.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { ManualClock } from "../../src/app.ts";
import type { AccountId } from "../../src/access/caller.ts";
import { IdentityStore } from "../../src/access/identities/identity-store.ts";
import { decodeBase32, totpCode, totpStepAt } from "../../src/access/identities/totp.ts";
import { masterKeyOf } from "../../src/keys/master-key.ts";
import { MasterKeyRing } from "../../src/keys/master-key-ring.ts";
import { openStores } from "../../src/open-stores.ts";
import { assertRefused, startTestServer } from "./test-server.ts";

const stepMilliseconds = 30_000;
const masterKey = randomBytes(32);
const clock = new ManualClock(Date.now());
const directory = await mkdtemp(join(tmpdir(), "holdfast-mfa-"));
after(() => rm(directory, { recursive: true, force: true }));
const { serialNumber, seed } = await enableDevice();
const server = await startTestServer({
  store: { directory },
  durability: "relaxed",
  clock,
  masterKey: { keys: [masterKey] },
});
const { s3, newBucket, put } = server;

/** What IAM does for the root user who enables a virtual device. */
async function enableDevice(): Promise<{ serialNumber: string; seed: Uint8Array }> {
  const key = masterKeyOf(masterKey, "");
  const ring = new MasterKeyRing({ currentId: key.id, keys: [key] });
  const durability = "relaxed";
  const store = { directory };
  await using stores = await openStores({
    store,
    durability,
    clock,
    deadWriters: "all",
    keys: ring,
  });
  const { keyValueStore, rootAccount } = stores.objects;
  const options = { store: keyValueStore, clock, sealer: ring, randomBytes };
  const identities = new IdentityStore(options);
  await identities.accounts.ensureRoot(rootAccount);
  const accountId = rootAccount.accountId as AccountId;
  const made = await identities.mfaDevices.create(accountId, { virtualMFADeviceName: "phone" });
  const bytes = decodeBase32(made.base32Seed);
  assert.ok(bytes !== undefined);
  const code = (distance: number) => totpCode(bytes, totpStepAt(clock.now()) + distance);
  const codes = { code1: code(-1), code2: code(0) };
  await identities.mfaDevices.enable({ accountId, userName: undefined }, made.serialNumber, codes);
  return { serialNumber: made.serialNumber, seed: bytes };
}

/** A code is good once: the next one comes half a minute later. */
function nextCode(): string {
  clock.advance(stepMilliseconds);
  return `${serialNumber} ${totpCode(seed, totpStepAt(clock.now()))}`;
}

const needed = {
  code: "AccessDenied",
  status: 403,
  message: "Mfa Authentication must be used for this request",
};

async function newGuardedBucket(): Promise<string> {
  const Bucket = await newBucket();
  const VersioningConfiguration = { Status: "Enabled", MFADelete: "Enabled" } as const;
  await s3.putBucketVersioning({ Bucket, VersioningConfiguration, MFA: nextCode() });
  return Bucket;
}

test("turning MFA delete on needs a good code, and is shown", async () => {
  const Bucket = await newBucket();
  const VersioningConfiguration = { Status: "Enabled", MFADelete: "Enabled" } as const;
  const turnOn = (MFA?: string) => s3.putBucketVersioning({ Bucket, VersioningConfiguration, MFA });
  await assertRefused(turnOn(), needed);
  await assertRefused(turnOn(`${serialNumber} 000000`), needed);
  await assertRefused(turnOn(nextCode().replace("phone", "tablet")), needed);
  assert.equal((await s3.getBucketVersioning({ Bucket })).MFADelete, undefined);
  await turnOn(nextCode());
  const { Status, MFADelete } = await s3.getBucketVersioning({ Bucket });
  assert.deepEqual([Status, MFADelete], ["Enabled", "Enabled"]);
});

test("a header of another form is an invalid argument", async () => {
  const Bucket = await newGuardedBucket();
  const VersioningConfiguration = { Status: "Suspended" } as const;
  for (const MFA of ["123456", `${serialNumber} 12345`, `${serialNumber}123456`, ` 123456`]) {
    const request = s3.putBucketVersioning({ Bucket, VersioningConfiguration, MFA });
    await assertRefused(request, {
      code: "InvalidArgument",
      status: 400,
      message:
        "Mfa header is invalid -- the header should be formatted as {serialNumber}(space){tokenCode}",
    });
  }
});

test("with MFA delete on, every change of the versioning state needs a code", async () => {
  const Bucket = await newGuardedBucket();
  const suspended = { Bucket, VersioningConfiguration: { Status: "Suspended" } } as const;
  await assertRefused(s3.putBucketVersioning(suspended), needed);
  await s3.putBucketVersioning({ ...suspended, MFA: nextCode() });
  const after = await s3.getBucketVersioning({ Bucket });
  assert.deepEqual([after.Status, after.MFADelete], ["Suspended", "Enabled"]);
  const off = { Status: "Enabled", MFADelete: "Disabled" } as const;
  await assertRefused(s3.putBucketVersioning({ Bucket, VersioningConfiguration: off }), needed);
  await s3.putBucketVersioning({ Bucket, VersioningConfiguration: off, MFA: nextCode() });
  const { versionId: VersionId } = await put(Bucket, "free");
  await s3.deleteObject({ Bucket, Key: "free", VersionId });
});

test("a version is deleted with a code alone; hiding an object needs none", async () => {
  const Bucket = await newGuardedBucket();
  const Key = "key";
  const { versionId: VersionId } = await put(Bucket, Key);
  const marker = await s3.deleteObject({ Bucket, Key });
  assert.equal(marker.DeleteMarker, true);
  await assertRefused(s3.deleteObject({ Bucket, Key, VersionId }), needed);
  await assertRefused(s3.deleteObject({ Bucket, Key, VersionId: marker.VersionId }), needed);
  const MFA = nextCode();
  await s3.deleteObject({ Bucket, Key, VersionId, MFA });
  // The code has been used.
  await assertRefused(s3.deleteObject({ Bucket, Key, VersionId: marker.VersionId, MFA }), needed);
  await s3.deleteObject({ Bucket, Key, VersionId: marker.VersionId, MFA: nextCode() });
  assert.equal((await s3.listObjectVersions({ Bucket })).Versions, undefined);
});

test("DeleteObjects fails as a whole for want of a code, and for a wrong one", async () => {
  const Bucket = await newGuardedBucket();
  const { versionId: VersionId } = await put(Bucket, "version");
  await put(Bucket, "plain");
  const Objects = [{ Key: "version", VersionId }, { Key: "plain" }];
  await assertRefused(s3.deleteObjects({ Bucket, Delete: { Objects } }), needed);
  const wrong = `${serialNumber} 000000`;
  const plain = { Bucket, Delete: { Objects: [{ Key: "plain" }] } };
  await assertRefused(s3.deleteObjects({ ...plain, MFA: wrong }), needed);
  assert.equal((await s3.listObjectVersions({ Bucket })).DeleteMarkers, undefined);
  const { Deleted, Errors } = await s3.deleteObjects({
    Bucket,
    Delete: { Objects },
    MFA: nextCode(),
  });
  assert.equal(Deleted?.length, 2);
  assert.equal(Errors, undefined);
  // Without versions no code is asked for.
  await s3.deleteObjects({ Bucket, Delete: { Objects: [{ Key: "other" }] } });
});

test("a code means nothing where MFA delete is off", async () => {
  const Bucket = await newBucket("Enabled");
  const { versionId: VersionId } = await put(Bucket, "key");
  await s3.deleteObject({ Bucket, Key: "key", VersionId, MFA: "nonsense" });
});

test("MFA delete and lifecycle exclude each other", async () => {
  const LifecycleConfiguration = {
    Rules: [{ Filter: {}, Status: "Disabled", Expiration: { Days: 1 } } as const],
  };
  const guarded = await newGuardedBucket();
  await assertRefused(
    s3.putBucketLifecycleConfiguration({ Bucket: guarded, LifecycleConfiguration }),
    { code: "InvalidBucketState", status: 409 },
  );
  const Bucket = await newBucket();
  await s3.putBucketLifecycleConfiguration({ Bucket, LifecycleConfiguration });
  const VersioningConfiguration = { Status: "Enabled", MFADelete: "Enabled" } as const;
  const guard = () => s3.putBucketVersioning({ Bucket, VersioningConfiguration, MFA: nextCode() });
  await assertRefused(guard(), {
    code: "InvalidBucketState",
    status: 409,
    message:
      "Mfa Authentication is not supported on a bucket with lifecycle configuration. Delete lifecycle configuration before enabling Mfa Authentication.",
  });
  assert.equal((await s3.getBucketVersioning({ Bucket })).MFADelete, undefined);
  await s3.deleteBucketLifecycle({ Bucket });
  await guard();
});
