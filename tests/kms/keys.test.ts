// KMS keys as the official client makes, lists, describes, disables and deletes them.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { assertKmsRefuses, manualClock, startKmsTest } from "./kms-client.ts";

const clock = manualClock();
const { kms, newKey } = await startKmsTest({ clock, region: "eu-central-1" });
const unknownId = "134f2428-cec1-4b25-a1ae-9048164dba47";
const millisecondsPerDay = 86_400_000;
const tag = (TagKey: string, TagValue: string) => ({ TagKey, TagValue });

describe("CreateKey", () => {
  test("makes a symmetric key of the account", async () => {
    const { KeyMetadata } = await kms.createKey({
      Description: "of a test",
      Tags: [{ TagKey: "a", TagValue: "b" }],
    });
    const { KeyId = "", AWSAccountId = "" } = KeyMetadata ?? {};
    assert.match(KeyId, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/);
    assert.match(AWSAccountId, /^\d{12}$/);
    assert.equal(KeyMetadata?.Arn, `arn:aws:kms:eu-central-1:${AWSAccountId}:key/${KeyId}`);
    assert.equal(KeyMetadata?.CreationDate?.getTime(), clock.now());
    assert.match(KeyMetadata?.CurrentKeyMaterialId ?? "", /^[0-9a-f]{64}$/);
    const { Enabled, Description, KeyUsage, KeyState, Origin, KeyManager, KeySpec } =
      KeyMetadata ?? {};
    assert.deepEqual(
      { Enabled, Description, KeyUsage, KeyState, Origin, KeyManager, KeySpec },
      {
        Enabled: true,
        Description: "of a test",
        KeyUsage: "ENCRYPT_DECRYPT",
        KeyState: "Enabled",
        Origin: "AWS_KMS",
        KeyManager: "CUSTOMER",
        KeySpec: "SYMMETRIC_DEFAULT",
      },
    );
    const described = await kms.describeKey({ KeyId });
    assert.deepEqual(described.KeyMetadata, KeyMetadata);
  });

  test("refuses other kinds of keys", async () => {
    const unsupported = "UnsupportedOperationException";
    await assertKmsRefuses(
      kms.createKey({ KeySpec: "RSA_2048", KeyUsage: "SIGN_VERIFY" }),
      unsupported,
    );
    await assertKmsRefuses(kms.createKey({ KeySpec: "HMAC_256" }), unsupported);
    await assertKmsRefuses(kms.createKey({ Origin: "EXTERNAL" }), unsupported);
    await assertKmsRefuses(kms.createKey({ MultiRegion: true }), unsupported);
  });

  test("refuses what is too long, doubled or malformed", async () => {
    await assertKmsRefuses(
      kms.createKey({ Description: "x".repeat(8193) }),
      "ValidationException",
      /at 'description' failed to satisfy constraint: Member must have length less than or equal to 8192/,
    );
    const doubled = [tag("a", "1"), tag("a", "2")];
    await assertKmsRefuses(kms.createKey({ Tags: doubled }), "TagException");
    const reserved = [{ TagKey: "aws:x", TagValue: "" }];
    await assertKmsRefuses(kms.createKey({ Tags: reserved }), "TagException");
    const many = Array.from({ length: 51 }, (_, index) => ({ TagKey: `k${index}`, TagValue: "" }));
    await assertKmsRefuses(kms.createKey({ Tags: many }), "LimitExceededException");
  });
});

describe("DescribeKey", () => {
  test("says in KMS's words that a key is not there", async () => {
    const { arn } = await newKey();
    const place = arn.slice(0, arn.indexOf(":key/"));
    const cases = [
      ["nonsense", "Invalid keyId 'nonsense'"],
      [unknownId, `Key '${place}:key/${unknownId}' does not exist`],
      [`${place}:key/${unknownId}`, `Key '${place}:key/${unknownId}' does not exist`],
      ["alias/none", `Alias ${place}:alias/none is not found.`],
      [arn.replace("eu-central-1", "us-west-2"), "Invalid arn us-west-2"],
    ] as const;
    for (const [KeyId, message] of cases) {
      await assertKmsRefuses(kms.describeKey({ KeyId }), "NotFoundException", message);
    }
  });

  test("describes the key that protects S3 objects, which nobody can change", async () => {
    const { KeyMetadata } = await kms.describeKey({ KeyId: "alias/aws/s3" });
    assert.equal(KeyMetadata?.KeyManager, "AWS");
    const { KeyId = "" } = KeyMetadata;
    const again = await kms.describeKey({ KeyId: "alias/aws/s3" });
    assert.equal(again.KeyMetadata?.KeyId, KeyId);
    const denied = "AccessDeniedException";
    await assertKmsRefuses(
      kms.disableKey({ KeyId }),
      denied,
      /not authorized to perform: kms:DisableKey/,
    );
    await assertKmsRefuses(kms.scheduleKeyDeletion({ KeyId }), denied);
    await assertKmsRefuses(kms.putKeyPolicy({ KeyId, Policy: "{}" }), denied);
    const Plaintext = Buffer.from("x");
    await assertKmsRefuses(kms.encrypt({ KeyId: "alias/aws/s3", Plaintext }), denied);
  });
});

describe("ListKeys", () => {
  test("lists every key of the account, in pages", async () => {
    const made = await Promise.all(Array.from({ length: 5 }, () => newKey()));
    const found = new Map<string, string>();
    let Marker: string | undefined;
    let pages = 0;
    do {
      const page = await kms.listKeys({ Limit: 3, ...(Marker === undefined ? {} : { Marker }) });
      assert.ok((page.Keys?.length ?? 0) <= 3);
      for (const { KeyId = "", KeyArn = "" } of page.Keys ?? []) found.set(KeyId, KeyArn);
      Marker = page.NextMarker;
      assert.equal(page.Truncated, Marker !== undefined);
      pages += 1;
    } while (Marker !== undefined);
    assert.ok(pages > 1);
    for (const { keyId, arn } of made) assert.equal(found.get(keyId), arn);
    await assertKmsRefuses(kms.listKeys({ Limit: 1001 }), "ValidationException");
    await assertKmsRefuses(kms.listKeys({ Marker: "%" }), "InvalidMarkerException");
  });
});

describe("the state of a key", () => {
  const context = { EncryptionContext: { a: "b" } };

  test("keeps a disabled key from being used until it is enabled", async () => {
    const { keyId: KeyId, arn } = await newKey();
    const { CiphertextBlob } = await kms.generateDataKey({ KeyId, KeySpec: "AES_256", ...context });
    await kms.disableKey({ KeyId });
    const { KeyMetadata } = await kms.describeKey({ KeyId });
    assert.deepEqual([KeyMetadata?.KeyState, KeyMetadata?.Enabled], ["Disabled", false]);
    const disabled = ["DisabledException", `${arn} is disabled.`] as const;
    await assertKmsRefuses(kms.decrypt({ CiphertextBlob, ...context }), ...disabled);
    await assertKmsRefuses(kms.generateDataKey({ KeyId, KeySpec: "AES_256" }), ...disabled);
    await assertKmsRefuses(kms.encrypt({ KeyId, Plaintext: Buffer.from("x") }), ...disabled);
    await kms.enableKey({ KeyId });
    assert.equal((await kms.decrypt({ CiphertextBlob, ...context })).Plaintext?.byteLength, 32);
  });

  test("keeps a key that is pending deletion from everything but a cancellation", async () => {
    const { keyId: KeyId, arn } = await newKey();
    const scheduled = await kms.scheduleKeyDeletion({ KeyId, PendingWindowInDays: 7 });
    assert.equal(scheduled.KeyId, arn);
    assert.equal(scheduled.KeyState, "PendingDeletion");
    assert.equal(scheduled.PendingWindowInDays, 7);
    assert.equal(scheduled.DeletionDate?.getTime(), clock.now() + 7 * millisecondsPerDay);
    const pending = ["KMSInvalidStateException", `${arn} is pending deletion.`] as const;
    await assertKmsRefuses(kms.encrypt({ KeyId, Plaintext: Buffer.from("x") }), ...pending);
    await assertKmsRefuses(kms.enableKey({ KeyId }), ...pending);
    await assertKmsRefuses(kms.disableKey({ KeyId }), ...pending);
    await assertKmsRefuses(kms.scheduleKeyDeletion({ KeyId }), ...pending);
    await assertKmsRefuses(
      kms.createAlias({ AliasName: "alias/p", TargetKeyId: KeyId }),
      ...pending,
    );
    assert.equal((await kms.cancelKeyDeletion({ KeyId })).KeyId, arn);
    const { KeyMetadata } = await kms.describeKey({ KeyId });
    assert.deepEqual([KeyMetadata?.KeyState, KeyMetadata?.DeletionDate], ["Disabled", undefined]);
    await assertKmsRefuses(kms.cancelKeyDeletion({ KeyId }), "KMSInvalidStateException");
  });

  test("ends with the key when the waiting period is over", async () => {
    const { keyId: KeyId } = await newKey();
    const { CiphertextBlob } = await kms.generateDataKey({ KeyId, KeySpec: "AES_256" });
    await assertKmsRefuses(
      kms.scheduleKeyDeletion({ KeyId, PendingWindowInDays: 6 }),
      "ValidationException",
    );
    const { DeletionDate } = await kms.scheduleKeyDeletion({ KeyId });
    assert.equal(DeletionDate?.getTime(), clock.now() + 30 * millisecondsPerDay);
    // The client goes by its own clock, which the server's must not leave far behind.
    clock.advance(30 * millisecondsPerDay);
    try {
      const later = { systemClockOffset: 30 * millisecondsPerDay };
      Object.assign(kms.config, later);
      await assertKmsRefuses(kms.describeKey({ KeyId }), "NotFoundException");
      await assertKmsRefuses(kms.cancelKeyDeletion({ KeyId }), "NotFoundException");
      await assertKmsRefuses(kms.decrypt({ CiphertextBlob }), "InvalidCiphertextException");
    } finally {
      clock.advance(-30 * millisecondsPerDay);
      Object.assign(kms.config, { systemClockOffset: 0 });
    }
  });
});

describe("descriptions and tags", () => {
  test("are changed and read back", async () => {
    const { keyId: KeyId } = await newKey();
    await kms.updateKeyDescription({ KeyId, Description: "new" });
    assert.equal((await kms.describeKey({ KeyId })).KeyMetadata?.Description, "new");
    await kms.tagResource({ KeyId, Tags: [tag("b", "1"), tag("a", "2")] });
    await kms.tagResource({ KeyId, Tags: [tag("b", "3"), tag("c", "")] });
    const all = await kms.listResourceTags({ KeyId });
    assert.deepEqual(all.Tags, [tag("a", "2"), tag("b", "3"), tag("c", "")]);
    const first = await kms.listResourceTags({ KeyId, Limit: 2 });
    assert.equal(first.Truncated, true);
    const Marker = first.NextMarker as string;
    assert.deepEqual((await kms.listResourceTags({ KeyId, Marker })).Tags, [tag("c", "")]);
    await kms.untagResource({ KeyId, TagKeys: ["a", "c", "none"] });
    assert.deepEqual((await kms.listResourceTags({ KeyId })).Tags, [tag("b", "3")]);
  });
});

describe("aliases", () => {
  test("name a key of the account, move to another, and go", async () => {
    const [first, second] = [await newKey(), await newKey()];
    const AliasName = "alias/team/app";
    await kms.createAlias({ AliasName, TargetKeyId: first.keyId });
    assert.equal((await kms.describeKey({ KeyId: AliasName })).KeyMetadata?.KeyId, first.keyId);
    await assertKmsRefuses(
      kms.createAlias({ AliasName, TargetKeyId: second.keyId }),
      "AlreadyExistsException",
      /^An alias with the name arn:aws:kms:eu-central-1:\d+:alias\/team\/app already exists$/,
    );
    await kms.updateAlias({ AliasName, TargetKeyId: second.arn });
    const { Aliases } = await kms.listAliases({ KeyId: second.keyId });
    assert.equal(Aliases?.length, 1);
    assert.equal(Aliases[0]?.AliasName, AliasName);
    assert.equal(Aliases[0]?.TargetKeyId, second.keyId);
    assert.match(Aliases[0]?.AliasArn ?? "", /^arn:aws:kms:eu-central-1:\d{12}:alias\/team\/app$/);
    assert.deepEqual((await kms.listAliases({ KeyId: first.keyId })).Aliases, []);
    const names = (await kms.listAliases({})).Aliases?.map((alias) => alias.AliasName);
    assert.ok(names?.includes(AliasName));
    await kms.deleteAlias({ AliasName });
    await assertKmsRefuses(
      kms.deleteAlias({ AliasName }),
      "NotFoundException",
      /^Alias .* is not found\.$/,
    );
    await assertKmsRefuses(
      kms.updateAlias({ AliasName, TargetKeyId: first.keyId }),
      "NotFoundException",
    );
  });

  test("have names of their own form", async () => {
    const { keyId: TargetKeyId } = await newKey();
    const create = (AliasName: string) => kms.createAlias({ AliasName, TargetKeyId });
    await assertKmsRefuses(create("mine"), "ValidationException", "Invalid identifier");
    await assertKmsRefuses(create("alias/aws/mine"), "NotAuthorizedException");
    await assertKmsRefuses(
      create("alias/a b"),
      "ValidationException",
      /regular expression pattern/,
    );
    await assertKmsRefuses(create(`alias/${"x".repeat(251)}`), "ValidationException", /256/);
    await assertKmsRefuses(
      kms.createAlias({ AliasName: "alias/x", TargetKeyId: "alias/aws/s3" }),
      "ValidationException",
      "Aliases must refer to keys. Not aliases",
    );
  });
});
