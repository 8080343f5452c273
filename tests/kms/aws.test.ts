// The key provider on AWS KMS's API: against Holdfast's own, which checks the signature and knows the
// states of keys; and against a server that answers as AWS does when things go wrong.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { after, describe, test } from "node:test";
import { systemClock } from "../../src/base/clock.ts";
import { AwsJsonClient } from "../../src/keys/aws-json-client.ts";
import type { AwsCredentials } from "../../src/keys/sign-json-request.ts";
import { AwsKeyProvider } from "../../src/keys/aws-key-provider.ts";
import { KeySealError } from "../../src/keys/sealer.ts";
import { assertRefused, startTestServer } from "../s3/test-server.ts";
import { startKmsTest } from "./kms-client.ts";
import { refusalOf } from "./vault-suite.ts";

const region = "eu-central-1";
const { kms, newKey, server } = await startKmsTest({ region });
const accountId = "111122223333";
const encryptionContext = { "aws:s3:arn": "arn:aws:s3:::bucket/key", more: "\u00fc\u4e16" };
const unknownId = "134f2428-cec1-4b25-a1ae-9048164dba47";

function refusal(status: number, fields: object): { status: number; body: string } {
  return { status, body: JSON.stringify(fields) };
}

function providerOf(
  endpoint: string,
  credentials: AwsCredentials,
  defaultKey?: string,
): AwsKeyProvider {
  const bounds = { tries: 2, timeoutMilliseconds: 5000 };
  const client = new AwsJsonClient({ endpoint, region, credentials, clock: systemClock, bounds });
  return new AwsKeyProvider({ client, place: { region, accountId }, defaultKey });
}

const provider = providerOf(server.endpoint, server.credentials);

describe("the key provider on AWS KMS's API", () => {
  test("wraps a data key and opens it again, bound to its context", async () => {
    const { keyId, arn: keyArn } = await newKey();
    await kms.createAlias({ AliasName: "alias/objects", TargetKeyId: keyId });
    for (const name of [keyId, keyArn, "alias/objects"]) {
      const query = { keyId: name, accountId };
      assert.equal((await provider.describe(query)).keyArn, keyArn);
      const made = await provider.generateDataKey({ ...query, encryptionContext });
      assert.equal(made.keyArn, keyArn);
      assert.match(made.wrapped, /^aws:[\x21-\x7e]+$/);
      const opened = await provider.decrypt({ ...made, encryptionContext });
      assert.deepEqual(Buffer.from(opened), made.plaintext);
      await assert.rejects(provider.decrypt({ ...made, encryptionContext: {} }), KeySealError);
    }
  });

  test("does not open by another key", async () => {
    const [key, other] = [await newKey(), await newKey()];
    const query = { keyId: key.keyId, accountId };
    const made = await provider.generateDataKey({ ...query, encryptionContext });
    const request = { ...made, keyArn: other.arn, encryptionContext };
    await assert.rejects(provider.decrypt(request), KeySealError);
  });

  test("refuses in S3's words what is not there or not usable", async () => {
    const { keyId, arn } = await newKey();
    const query = { keyId, accountId };
    const made = await provider.generateDataKey({ ...query, encryptionContext });
    await kms.disableKey({ KeyId: keyId });
    const disabled = `400 KMS.DisabledException: ${arn} is disabled.`;
    assert.equal(await refusalOf(provider.describe(query)), disabled);
    assert.equal(
      await refusalOf(provider.generateDataKey({ ...query, encryptionContext })),
      disabled,
    );
    assert.equal(await refusalOf(provider.decrypt({ ...made, encryptionContext })), disabled);
    await kms.scheduleKeyDeletion({ KeyId: keyId });
    const pending = `400 KMS.KMSInvalidStateException: ${arn} is pending deletion.`;
    assert.equal(await refusalOf(provider.describe(query)), pending);
    const nonsense = { keyId: "nonsense", accountId };
    assert.equal(
      await refusalOf(provider.describe(nonsense)),
      "400 KMS.NotFoundException: Invalid keyId 'nonsense'",
    );
    const unknown = { keyId: unknownId, accountId };
    assert.match(
      await refusalOf(provider.describe(unknown)),
      /^400 KMS\.NotFoundException: Key 'arn:aws:kms:.*' does not exist$/,
    );
  });

  test("needs a default key where none is named, and ARNs from other accounts", async () => {
    const { keyId, arn } = await newKey();
    const query = { keyId: undefined, accountId };
    assert.match(await refusalOf(provider.describe(query)), /^400 KMS\.NotFoundException/);
    const withDefault = providerOf(server.endpoint, server.credentials, keyId);
    assert.equal((await withDefault.describe(query)).keyArn, arn);
    assert.equal((await withDefault.describe({ keyId: "alias/aws/s3", accountId })).keyArn, arn);
    const foreign = "444455556666";
    assert.match(
      await refusalOf(provider.describe({ keyId, accountId: foreign })),
      /^400 KMS\.NotFoundException: Key 'arn:aws:kms:eu-central-1:444455556666/,
    );
    assert.equal((await provider.describe({ keyId: arn, accountId: foreign })).keyArn, arn);
  });

  test("answers InternalError when its own credentials are wrong, and shows none", async () => {
    const wrongs = [
      { ...server.credentials, secretAccessKey: "wrong-secret-wrong-secret" },
      { accessKeyId: "NOBODY", secretAccessKey: "wrong-secret-wrong-secret" },
    ];
    for (const wrong of wrongs) {
      const refused = await refusalOf(
        providerOf(server.endpoint, wrong).describe({ keyId: "x", accountId }),
      );
      assert.match(refused, /^500 InternalError/);
      assert.doesNotMatch(refused, /wrong-secret|NOBODY/);
    }
  });
});

describe("the key provider on a KMS that fails", async () => {
  let answers: { readonly status: number; readonly body: string }[] = [];
  const asked: (string | undefined)[] = [];
  const failing = createServer((request, response) => {
    request.resume();
    asked.push(request.headers["x-amz-security-token"] as string | undefined);
    const { status, body } = answers.shift() ?? { status: 500, body: "" };
    response.writeHead(status, { "Content-Type": "application/x-amz-json-1.1" });
    response.end(body);
  });
  await new Promise<void>((resolve) => failing.listen(0, "127.0.0.1", resolve));
  after(() => failing.close());
  const { port } = failing.address() as AddressInfo;
  const sessionToken = "a-session-token";
  const credentials = { accessKeyId: "A", secretAccessKey: "s", sessionToken };
  const failingProvider = providerOf(`http://127.0.0.1:${port}`, credentials);
  const query = { keyId: "x", accountId };

  test("tells what may pass from what will not", async () => {
    const cases = [
      [refusal(400, { __type: "ThrottlingException" }), "503 SlowDown"],
      [
        refusal(400, {
          __type: "AccessDeniedException",
          Message: "User: arn:aws:iam::1:user/gateway",
        }),
        "403 AccessDenied",
      ],
      [
        refusal(400, {
          __type: "com.amazonaws.kms#NotFoundException",
          message: "Invalid keyId 'x'",
        }),
        "400 KMS.NotFoundException",
      ],
      [
        refusal(400, { __type: "InvalidKeyUsageException", message: "m" }),
        "400 KMS.InvalidKeyUsageException",
      ],
      [refusal(400, { __type: "ExpiredTokenException", message: "m" }), "500 InternalError"],
      [{ status: 200, body: "{}" }, "503 ServiceUnavailable"],
      [{ status: 200, body: "<html>" }, "503 ServiceUnavailable"],
    ] as const;
    for (const [answer, expected] of cases) {
      answers = [answer];
      const refused = await refusalOf(failingProvider.describe(query));
      assert.ok(refused.startsWith(expected), `${refused}, not ${expected}`);
      assert.doesNotMatch(refused, /gateway/);
    }
    assert.ok(asked.every((token) => token === sessionToken));
  });

  test("tries again after an error of the server", async () => {
    asked.length = 0;
    answers = [
      { status: 500, body: "" },
      refusal(400, { __type: "DisabledException", message: "is disabled" }),
    ];
    assert.match(await refusalOf(failingProvider.describe(query)), /^400 KMS\.DisabledException/);
    assert.equal(asked.length, 2);
    answers = [];
    assert.match(await refusalOf(failingProvider.describe(query)), /^503 ServiceUnavailable/);
    assert.equal(asked.length, 4);
  });
});

describe("SSE-KMS on AWS KMS's API", async () => {
  const { arn, keyId } = await newKey();
  const { s3, newBucket } = await startTestServer({
    region,
    kms: {
      kind: "aws",
      endpoint: server.endpoint,
      defaultKey: keyId,
      credentials: server.credentials,
    },
  });
  const encryption = { ServerSideEncryption: "aws:kms" } as const;

  test("stores and reads objects under keys of another server", async () => {
    const Bucket = await newBucket();
    const put = await s3.putObject({ Bucket, Key: "a", Body: "text", ...encryption });
    assert.equal(put.SSEKMSKeyId, arn);
    const read = await s3.getObject({ Bucket, Key: "a" });
    assert.equal(await read.Body?.transformToString(), "text");
    await kms.disableKey({ KeyId: keyId });
    await assertRefused(s3.putObject({ Bucket, Key: "b", Body: "text", ...encryption }), {
      code: "KMS.DisabledException",
      status: 400,
      message: `${arn} is disabled.`,
    });
  });
});
