// GetCallerIdentity, GetSessionToken, GetFederationToken and the smaller actions of STS.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { allow, assertRefused, deny, pairOf, policy, startIamServer, text } from "./iam-server.ts";

const { iam, sts, server, accountId, arn, as, newUser } = await startIamServer();

describe("GetCallerIdentity", () => {
  test("of the root and of a user, whatever policies say", async () => {
    const root = await sts.getCallerIdentity({});
    assert.deepEqual([root.Account, root.Arn, root.UserId], [accountId, arn("root"), accountId]);
    const user = await newUser("who", deny("*"));
    const { User } = await iam.getUser({ UserName: "who" });
    const own = await user.sts.getCallerIdentity({});
    assert.deepEqual([own.Account, own.Arn, own.UserId], [accountId, User?.Arn, User?.UserId]);
  });

  test("of a key that nobody has, and with a wrong secret", async () => {
    const stranger = as({ accessKeyId: "AKIAIOSFODNN7EXAMPLE", secretAccessKey: "x".repeat(40) });
    await assertRefused(
      stranger.sts.getCallerIdentity({}),
      "InvalidClientTokenId",
      "The security token included in the request is invalid.",
    );
    const { accessKeyId } = server.credentials;
    const wrong = as({ accessKeyId, secretAccessKey: "x".repeat(40) });
    await assertRefused(
      wrong.sts.getCallerIdentity({}),
      "SignatureDoesNotMatch",
      /^The request signature we calculated does not match/,
    );
  });
});

describe("GetSessionToken", () => {
  test("the session may do in S3 what its user may, and needs no permission to be made", async () => {
    const user = await newUser("lister", allow("s3:ListAllMyBuckets"));
    const { Credentials } = await user.sts.getSessionToken({ DurationSeconds: 900 });
    const session = as(pairOf(Credentials));
    await session.s3.listBuckets({});
    assert.equal((await session.sts.getCallerIdentity({})).Arn, arn("user/lister"));
    await assertRefused(session.s3.createBucket({ Bucket: "not-allowed" }), "AccessDenied");
  });

  test("it calls neither IAM nor STS without a second factor", async () => {
    const user = await newUser("administrator", allow("*"));
    const session = as(pairOf((await user.sts.getSessionToken({})).Credentials));
    await assertRefused(session.iam.listUsers({}), "InvalidClientTokenId");
    await assertRefused(
      session.sts.getSessionToken({}),
      "AccessDenied",
      "Cannot call GetSessionToken with session credentials",
    );
    await assertRefused(session.sts.getFederationToken({ Name: "bob" }), "AccessDenied");
  });

  test("the root's lasts an hour, a user's twelve", async () => {
    const hours = async (client: typeof sts): Promise<number> => {
      const { Credentials } = await client.getSessionToken({});
      return Math.round((Number(Credentials?.Expiration?.getTime()) - Date.now()) / 3_600_000);
    };
    assert.equal(await hours(sts), 1);
    assert.equal(await hours((await newUser("twelve-hours")).sts), 12);
  });
});

describe("GetFederationToken", () => {
  test("the federated user may do what both its user and its policy allow", async () => {
    const user = await newUser("broker", allow(["sts:GetFederationToken", "s3:*"]));
    const Policy = policy(allow(["s3:ListAllMyBuckets", "iam:ListUsers"]));
    const answer = await user.sts.getFederationToken({ Name: "carol", Policy });
    assert.deepEqual(answer.FederatedUser, {
      FederatedUserId: `${accountId}:carol`,
      Arn: `arn:aws:sts::${accountId}:federated-user/carol`,
    });
    assert.ok(Number(answer.PackedPolicySize) > 0);
    const session = as(pairOf(answer.Credentials));
    assert.equal((await session.sts.getCallerIdentity({})).Arn, answer.FederatedUser?.Arn);
    await session.s3.listBuckets({});
    await assertRefused(session.s3.createBucket({ Bucket: "not-allowed" }), "AccessDenied");
    await assertRefused(session.iam.listUsers({}), "InvalidClientTokenId");
  });

  test("without a policy it may do nothing", async () => {
    const user = await newUser("careless", allow("*"));
    const { Credentials } = await user.sts.getFederationToken({ Name: "dave" });
    await assertRefused(as(pairOf(Credentials)).s3.listBuckets({}), "AccessDenied");
  });

  test("it needs the permission", async () => {
    const user = await newUser("no-broker");
    await assertRefused(
      user.sts.getFederationToken({ Name: "erin" }),
      "AccessDenied",
      `User: ${arn("user/no-broker")} is not authorized to perform: sts:GetFederationToken on resource: arn:aws:sts::${accountId}:federated-user/erin because no identity-based policy allows the sts:GetFederationToken action`,
    );
  });
});

describe("GetAccessKeyInfo and DecodeAuthorizationMessage", () => {
  test("the account of a key", async () => {
    const { pair } = await newUser("owner");
    for (const AccessKeyId of [pair.accessKeyId, text(server.credentials.accessKeyId)]) {
      assert.equal((await sts.getAccessKeyInfo({ AccessKeyId })).Account, accountId);
    }
    await assertRefused(
      sts.getAccessKeyInfo({ AccessKeyId: "AKIAIOSFODNN7EXAMPLE" }),
      "ValidationError",
    );
    const user = await newUser("uninformed");
    await assertRefused(
      user.sts.getAccessKeyInfo({ AccessKeyId: pair.accessKeyId }),
      "AccessDenied",
    );
  });

  test("no message is one of ours", async () => {
    await assertRefused(
      sts.decodeAuthorizationMessage({ EncodedMessage: "x" }),
      "InvalidAuthorizationMessage",
    );
  });
});
