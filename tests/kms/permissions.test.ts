// Who may use a KMS key: users of the account by policies of their own or by the key's policy, through
// the KMS API and through S3.

import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { IAM } from "@aws-sdk/client-iam";
import { KMS } from "@aws-sdk/client-kms";
import type { S3 } from "@aws-sdk/client-s3";
import { assertRefused } from "../s3/test-server.ts";
import { assertKmsRefuses, startKmsTest } from "./kms-client.ts";

const { kms, s3, client, newKey, newBucket, server } = await startKmsTest();
const { endpoint, region, credentials } = server;
const iam = new IAM({ endpoint, region, credentials, maxAttempts: 1 });
after(() => iam.destroy());
const Plaintext = Buffer.from("text");
const encryption = { ServerSideEncryption: "aws:kms" } as const;

interface User {
  readonly arn: string;
  readonly kms: KMS;
  readonly s3: S3;
}

let count = 0;

/** A user with one inline policy of these statements. */
async function newUser(...statements: readonly object[]): Promise<User> {
  const UserName = `user-${(count += 1)}`;
  const { User: made } = await iam.createUser({ UserName });
  if (statements.length > 0) {
    const PolicyDocument = JSON.stringify({ Version: "2012-10-17", Statement: statements });
    await iam.putUserPolicy({ UserName, PolicyName: "inline", PolicyDocument });
  }
  const { AccessKey } = await iam.createAccessKey({ UserName });
  const own = {
    accessKeyId: AccessKey?.AccessKeyId as string,
    secretAccessKey: AccessKey?.SecretAccessKey as string,
  };
  const ownKms = new KMS({ endpoint, region, credentials: own, maxAttempts: 1 });
  after(() => ownKms.destroy());
  return { arn: made?.Arn as string, kms: ownKms, s3: client({ credentials: own }) };
}

const allow = (Action: string | string[], Resource = "*") => ({
  Effect: "Allow",
  Action,
  Resource,
});

describe("a KMS key through the KMS API", () => {
  test("is used by a user whose own policy allows it", async () => {
    const { keyId: KeyId, arn } = await newKey();
    const user = await newUser(allow("kms:Encrypt", arn));
    const { CiphertextBlob } = await user.kms.encrypt({ KeyId, Plaintext });
    await assertKmsRefuses(
      user.kms.decrypt({ CiphertextBlob }),
      "AccessDeniedException",
      `User: ${user.arn} is not authorized to perform: kms:Decrypt on resource: ${arn} because no identity-based policy allows the kms:Decrypt action`,
    );
    await assertKmsRefuses(
      user.kms.createKey({}),
      "AccessDeniedException",
      `User: ${user.arn} is not authorized to perform: kms:CreateKey on resource: * because no identity-based policy allows the kms:CreateKey action`,
    );
    const other = await newKey();
    await assertKmsRefuses(
      user.kms.encrypt({ KeyId: other.keyId, Plaintext }),
      "AccessDeniedException",
    );
  });

  test("is used by a user whom its policy names, and by nobody whom it leaves out", async () => {
    const { keyId: KeyId, arn } = await newKey();
    const [named, powerful] = [await newUser(), await newUser(allow("kms:*"))];
    const account = arn.split(":")[4] as string;
    const Policy = JSON.stringify({
      Version: "2012-10-17",
      Statement: [
        { ...allow("kms:Encrypt"), Principal: { AWS: named.arn } },
        { ...allow("kms:PutKeyPolicy"), Principal: { AWS: `arn:aws:iam::${account}:root` } },
      ],
    });
    await kms.putKeyPolicy({ KeyId, Policy });
    await named.kms.encrypt({ KeyId, Plaintext });
    const denied = "AccessDeniedException";
    const silent = /because no resource-based policy allows the kms:Encrypt action$/;
    await assertKmsRefuses(powerful.kms.encrypt({ KeyId, Plaintext }), denied, silent);
    await assertKmsRefuses(kms.encrypt({ KeyId, Plaintext }), denied, silent);
  });

  test("is used only with the encryption context that a policy wants", async () => {
    const { keyId: KeyId } = await newKey();
    const user = await newUser({
      ...allow("kms:Encrypt"),
      Condition: { StringEquals: { "kms:EncryptionContext:team": "a" } },
    });
    await user.kms.encrypt({ KeyId, Plaintext, EncryptionContext: { team: "a" } });
    await assertKmsRefuses(
      user.kms.encrypt({ KeyId, Plaintext, EncryptionContext: { team: "b" } }),
      "AccessDeniedException",
    );
  });
});

describe("a KMS key through S3", () => {
  test("needs kms:GenerateDataKey to write and kms:Decrypt to read", async () => {
    const { keyId, arn } = await newKey();
    const Bucket = await newBucket();
    const writer = await newUser(allow("s3:*"), allow("kms:GenerateDataKey", arn));
    const reader = await newUser(allow("s3:*"), allow("kms:Decrypt", arn));
    const object = { Bucket, Key: "a", Body: "text", ...encryption, SSEKMSKeyId: keyId };
    await writer.s3.putObject(object);
    await assertRefused(writer.s3.getObject({ Bucket, Key: "a" }), {
      code: "AccessDenied",
      status: 403,
      message: `User: ${writer.arn} is not authorized to perform: kms:Decrypt on resource: ${arn} because no identity-based policy allows the kms:Decrypt action`,
    });
    const read = await reader.s3.getObject({ Bucket, Key: "a" });
    assert.equal(await read.Body?.transformToString(), "text");
    await assertRefused(reader.s3.putObject({ ...object, Key: "b" }), {
      code: "AccessDenied",
      status: 403,
      message: /kms:GenerateDataKey/,
    });
    await assertRefused(s3.headObject({ Bucket, Key: "b" }), { code: "NotFound", status: 404 });
  });

  test("needs no permission of its own for aws/s3", async () => {
    const Bucket = await newBucket();
    const user = await newUser(allow("s3:*"));
    await user.s3.putObject({ Bucket, Key: "a", Body: "text", ...encryption });
    const read = await user.s3.getObject({ Bucket, Key: "a" });
    assert.equal(await read.Body?.transformToString(), "text");
  });

  test("tells policies which bucket or object it is for, and that it is S3 that asks", async () => {
    const { keyId, arn } = await newKey();
    const Bucket = await newBucket();
    const Condition = {
      StringEquals: {
        "kms:ViaService": `s3.${region}.amazonaws.com`,
        "kms:EncryptionContext:aws:s3:arn": `arn:aws:s3:::${Bucket}/allowed`,
      },
    };
    const user = await newUser(allow("s3:*"), { ...allow("kms:GenerateDataKey", arn), Condition });
    const object = { Bucket, Body: "text", ...encryption, SSEKMSKeyId: keyId };
    await user.s3.putObject({ ...object, Key: "allowed" });
    const denied = { code: "AccessDenied", status: 403 };
    await assertRefused(user.s3.putObject({ ...object, Key: "other" }), denied);
    await assertKmsRefuses(
      user.kms.generateDataKey({ KeyId: keyId, KeySpec: "AES_256" }),
      "AccessDeniedException",
    );
  });

  test("is asked for by copies and parts too", async () => {
    const { keyId, arn } = await newKey();
    const Bucket = await newBucket();
    const object = { Bucket, Key: "a", Body: "text", ...encryption, SSEKMSKeyId: keyId };
    await s3.putObject(object);
    const user = await newUser(allow("s3:*"), allow("kms:GenerateDataKey", arn));
    const denied = { code: "AccessDenied", status: 403, message: /kms:Decrypt/ };
    const CopySource = `${Bucket}/a`;
    await assertRefused(user.s3.copyObject({ Bucket, Key: "b", CopySource }), denied);
    const { UploadId = "" } = await user.s3.createMultipartUpload({
      Bucket,
      Key: "c",
      ...encryption,
      SSEKMSKeyId: keyId,
    });
    // "Multipart upload API and permissions": a part needs kms:Decrypt beside.
    const part = { Bucket, Key: "c", UploadId, PartNumber: 1, Body: "text" };
    await assertRefused(user.s3.uploadPart(part), denied);
  });
});
