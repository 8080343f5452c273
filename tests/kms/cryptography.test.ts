// Encrypt, Decrypt, data keys, re-encryption and rotation, as the official client calls them.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { assertKmsRefuses, startKmsTest } from "./kms-client.ts";

const { kms, newKey, send } = await startKmsTest();
const EncryptionContext = { purpose: "test", number: "1" };
const Plaintext = Buffer.from("a secret of few words");

describe("Encrypt and Decrypt", () => {
  test("give back what went in, under the same encryption context alone", async () => {
    const { keyId, arn } = await newKey();
    const encrypted = await kms.encrypt({ KeyId: keyId, Plaintext, EncryptionContext });
    assert.equal(encrypted.KeyId, arn);
    assert.equal(encrypted.EncryptionAlgorithm, "SYMMETRIC_DEFAULT");
    const { CiphertextBlob = new Uint8Array() } = encrypted;
    assert.ok(!Buffer.from(CiphertextBlob).includes(Plaintext));
    const reordered = { number: "1", purpose: "test" };
    const opened = await kms.decrypt({ CiphertextBlob, EncryptionContext: reordered });
    assert.deepEqual(Buffer.from(opened.Plaintext ?? []), Plaintext);
    assert.equal(opened.KeyId, arn);
    const named = await kms.decrypt({ CiphertextBlob, EncryptionContext, KeyId: arn });
    assert.equal(named.KeyId, arn);
    const wrong = "InvalidCiphertextException";
    await assertKmsRefuses(kms.decrypt({ CiphertextBlob }), wrong);
    await assertKmsRefuses(
      kms.decrypt({ CiphertextBlob, EncryptionContext: { ...EncryptionContext, more: "" } }),
      wrong,
    );
    const damaged = Buffer.from(CiphertextBlob);
    damaged[damaged.length - 1] = (damaged.at(-1) as number) ^ 1;
    await assertKmsRefuses(kms.decrypt({ CiphertextBlob: damaged, EncryptionContext }), wrong);
    await assertKmsRefuses(kms.decrypt({ CiphertextBlob: Buffer.from("nonsense") }), wrong);
  });

  test("say when the ciphertext is another key's", async () => {
    const [key, other] = [await newKey(), await newKey()];
    const { CiphertextBlob } = await kms.encrypt({ KeyId: key.keyId, Plaintext });
    await assertKmsRefuses(
      kms.decrypt({ CiphertextBlob, KeyId: other.keyId }),
      "IncorrectKeyException",
      "The key ID in the request does not identify a CMK that can perform this operation.",
    );
  });

  test("take 4,096 bytes and no more, and never an empty text", async () => {
    const { keyId: KeyId } = await newKey();
    await kms.encrypt({ KeyId, Plaintext: Buffer.alloc(4096) });
    const invalid = "ValidationException";
    await assertKmsRefuses(kms.encrypt({ KeyId, Plaintext: Buffer.alloc(4097) }), invalid, /4096/);
    await assertKmsRefuses(kms.encrypt({ KeyId, Plaintext: Buffer.alloc(0) }), invalid);
    await assertKmsRefuses(
      kms.encrypt({ KeyId, Plaintext, EncryptionAlgorithm: "RSAES_OAEP_SHA_256" }),
      "InvalidKeyUsageException",
    );
  });

  test("only say what would happen in a dry run", async () => {
    const { keyId: KeyId } = await newKey();
    const dryRun = "DryRunOperationException";
    await assertKmsRefuses(kms.encrypt({ KeyId, Plaintext, DryRun: true }), dryRun);
    const { CiphertextBlob } = await kms.encrypt({ KeyId, Plaintext });
    await assertKmsRefuses(kms.decrypt({ CiphertextBlob, DryRun: true }), dryRun);
  });
});

describe("data keys", () => {
  test("come in clear and encrypted, or encrypted alone", async () => {
    const { keyId: KeyId, arn } = await newKey();
    const made = await kms.generateDataKey({ KeyId, KeySpec: "AES_256", EncryptionContext });
    assert.equal(made.KeyId, arn);
    assert.equal(made.Plaintext?.byteLength, 32);
    const { CiphertextBlob } = made;
    const opened = await kms.decrypt({ CiphertextBlob, EncryptionContext });
    assert.deepEqual(opened.Plaintext, made.Plaintext);
    assert.equal(opened.KeyMaterialId, made.KeyMaterialId);
    const short = await kms.generateDataKey({ KeyId, KeySpec: "AES_128" });
    assert.equal(short.Plaintext?.byteLength, 16);
    const odd = await kms.generateDataKey({ KeyId, NumberOfBytes: 5 });
    assert.equal(odd.Plaintext?.byteLength, 5);
    const hidden = await kms.generateDataKeyWithoutPlaintext({ KeyId, KeySpec: "AES_256" });
    assert.ok(!("Plaintext" in hidden));
    const shown = await kms.decrypt({ CiphertextBlob: hidden.CiphertextBlob });
    assert.equal(shown.Plaintext?.byteLength, 32);
    assert.equal((await kms.generateRandom({ NumberOfBytes: 12 })).Plaintext?.byteLength, 12);
  });

  test("need one length", async () => {
    const { keyId: KeyId } = await newKey();
    const invalid = "ValidationException";
    await assertKmsRefuses(kms.generateDataKey({ KeyId }), invalid);
    await assertKmsRefuses(
      kms.generateDataKey({ KeyId, KeySpec: "AES_256", NumberOfBytes: 32 }),
      invalid,
    );
    await assertKmsRefuses(kms.generateDataKey({ KeyId, NumberOfBytes: 1025 }), invalid);
  });
});

describe("ReEncrypt", () => {
  test("moves a ciphertext to another key and context", async () => {
    const [source, destination] = [await newKey(), await newKey()];
    const { CiphertextBlob } = await kms.encrypt({
      KeyId: source.keyId,
      Plaintext,
      EncryptionContext,
    });
    const moved = await kms.reEncrypt({
      CiphertextBlob,
      SourceEncryptionContext: EncryptionContext,
      DestinationKeyId: destination.arn,
      DestinationEncryptionContext: { now: "other" },
    });
    assert.equal(moved.SourceKeyId, source.arn);
    assert.equal(moved.KeyId, destination.arn);
    const opened = await kms.decrypt({
      CiphertextBlob: moved.CiphertextBlob,
      EncryptionContext: { now: "other" },
    });
    assert.deepEqual(Buffer.from(opened.Plaintext ?? []), Plaintext);
    assert.equal(opened.KeyId, destination.arn);
  });
});

describe("rotation", () => {
  test("is switched on and off", async () => {
    const { keyId: KeyId, arn } = await newKey();
    assert.equal((await kms.getKeyRotationStatus({ KeyId })).KeyRotationEnabled, false);
    await kms.enableKeyRotation({ KeyId });
    const status = await kms.getKeyRotationStatus({ KeyId });
    assert.equal(status.KeyId, arn);
    assert.equal(status.KeyRotationEnabled, true);
    assert.equal(status.RotationPeriodInDays, 365);
    const days = ((status.NextRotationDate?.getTime() ?? 0) - Date.now()) / 86_400_000;
    assert.ok(days > 364.9 && days <= 365);
    await kms.enableKeyRotation({ KeyId, RotationPeriodInDays: 90 });
    assert.equal((await kms.getKeyRotationStatus({ KeyId })).RotationPeriodInDays, 90);
    await assertKmsRefuses(
      kms.enableKeyRotation({ KeyId, RotationPeriodInDays: 89 }),
      "ValidationException",
    );
    await kms.disableKeyRotation({ KeyId });
    assert.equal((await kms.getKeyRotationStatus({ KeyId })).KeyRotationEnabled, false);
  });

  test("on demand gives new material, and leaves old ciphertexts readable", async () => {
    const { keyId: KeyId, arn } = await newKey();
    const before = await kms.encrypt({ KeyId, Plaintext });
    assert.equal((await kms.rotateKeyOnDemand({ KeyId })).KeyId, arn);
    const after = await kms.encrypt({ KeyId, Plaintext });
    const opened = await Promise.all(
      [before, after].map(({ CiphertextBlob }) => kms.decrypt({ CiphertextBlob })),
    );
    for (const { Plaintext: plain } of opened) {
      assert.deepEqual(Buffer.from(plain ?? []), Plaintext);
    }
    assert.notEqual(opened[0]?.KeyMaterialId, opened[1]?.KeyMaterialId);
    const { Rotations } = await kms.listKeyRotations({ KeyId });
    assert.deepEqual(
      Rotations?.map(({ RotationType, KeyMaterialId }) => [RotationType, KeyMaterialId]),
      [["ON_DEMAND", opened[1]?.KeyMaterialId]],
    );
    const all = await kms.listKeyRotations({ KeyId, IncludeKeyMaterial: "ALL_KEY_MATERIAL" });
    assert.deepEqual(
      all.Rotations?.map((rotation) => rotation.KeyMaterialState),
      ["NON_CURRENT", "CURRENT"],
    );
  });
});

describe("key policies", () => {
  test("are the account's by default, and can be replaced", async () => {
    const { keyId: KeyId, arn } = await newKey();
    const { Policy = "", PolicyName } = await kms.getKeyPolicy({ KeyId });
    assert.equal(PolicyName, "default");
    const document = JSON.parse(Policy) as {
      Statement: { Sid: string; Principal: { AWS: string } }[];
    };
    assert.equal(document.Statement[0]?.Sid, "Enable IAM User Permissions");
    const account = arn.split(":")[4] as string;
    assert.equal(document.Statement[0]?.Principal.AWS, `arn:aws:iam::${account}:root`);
    assert.deepEqual((await kms.listKeyPolicies({ KeyId })).PolicyNames, ["default"]);
    const changed = JSON.stringify({
      Version: "2012-10-17",
      Statement: [
        {
          Effect: "Allow",
          Principal: { AWS: `arn:aws:iam::${account}:root` },
          Action: "kms:*",
          Resource: "*",
        },
        {
          Effect: "Deny",
          Principal: "*",
          Action: "kms:Encrypt",
          Resource: "*",
          Condition: { StringEquals: { "kms:EncryptionContext:purpose": "forbidden" } },
        },
      ],
    });
    await kms.putKeyPolicy({ KeyId, Policy: changed });
    assert.equal((await kms.getKeyPolicy({ KeyId })).Policy, changed);
    await kms.encrypt({ KeyId, Plaintext, EncryptionContext: { purpose: "good" } });
    await assertKmsRefuses(
      kms.encrypt({ KeyId, Plaintext, EncryptionContext: { purpose: "forbidden" } }),
      "AccessDeniedException",
      /not authorized to perform: kms:Encrypt on resource: arn:.* with an explicit deny in a resource-based policy/,
    );
  });

  test("cannot lock their maker out, unless that is asked for", async () => {
    const { keyId: KeyId, arn } = await newKey();
    const account = arn.split(":")[4] as string;
    const Policy = JSON.stringify({
      Version: "2012-10-17",
      Statement: [
        {
          Effect: "Allow",
          Principal: { AWS: `arn:aws:iam::${account}:root` },
          Action: "kms:Encrypt",
          Resource: "*",
        },
      ],
    });
    const malformed = "MalformedPolicyDocumentException";
    await assertKmsRefuses(
      kms.putKeyPolicy({ KeyId, Policy }),
      malformed,
      "The new key policy will not allow you to update the key policy in the future.",
    );
    await assertKmsRefuses(kms.putKeyPolicy({ KeyId, Policy: "{" }), malformed);
    await assertKmsRefuses(kms.createKey({ Policy }), malformed);
    await kms.putKeyPolicy({ KeyId, Policy, BypassPolicyLockoutSafetyCheck: true });
    await assertKmsRefuses(kms.getKeyPolicy({ KeyId }), "AccessDeniedException");
    await kms.encrypt({ KeyId, Plaintext });
  });
});

describe("requests", () => {
  test("that the API does not know, or that nobody signed, are refused in its form", async () => {
    await assertKmsRefuses(
      kms.getPublicKey({ KeyId: "alias/aws/s3" }),
      "UnknownOperationException",
    );
    const stranger = { accessKeyId: "AKIDNOBODY0000000000", secretAccessKey: "secret" };
    const { KMS } = await import("@aws-sdk/client-kms");
    const { endpoint, region } = kms.config;
    const other = new KMS({
      endpoint: endpoint as NonNullable<typeof endpoint>,
      region,
      credentials: stranger,
      maxAttempts: 1,
    });
    await assertKmsRefuses(
      other.listKeys({}),
      "UnrecognizedClientException",
      "The security token included in the request is invalid.",
    );
    other.destroy();
    const unsigned = await send({ method: "POST", path: "/", isSigned: false });
    assert.notEqual(unsigned.status, 200);
  });
});
