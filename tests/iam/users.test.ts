// Users of IAM, their tags and access keys, through the official client.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { paginateListUsers } from "@aws-sdk/client-iam";
import { allow, assertRefused, policy, startIamServer, text } from "./iam-server.ts";

const { iam, as, arn, accountId, newUser } = await startIamServer();

describe("CreateUser, GetUser, UpdateUser, DeleteUser", () => {
  test("a user reads back as it was made", async () => {
    const { User } = await iam.createUser({
      UserName: "anna",
      Path: "/team/",
      Tags: [{ Key: "Cost Centre", Value: "7" }],
    });
    assert.equal(User?.Arn, arn("user/team/anna"));
    assert.match(text(User?.UserId), /^AIDA[A-Z2-7]{17}$/);
    assert.ok(User?.CreateDate instanceof Date);
    const read = await iam.getUser({ UserName: "anna" });
    assert.deepEqual(read.User, User);
    assert.deepEqual(read.User?.Tags, [{ Key: "Cost Centre", Value: "7" }]);
    await assertRefused(
      iam.createUser({ UserName: "ANNA" }),
      "EntityAlreadyExists",
      "User with name ANNA already exists.",
    );
  });

  test("names that are none, and users that are not there", async () => {
    await assertRefused(
      iam.createUser({ UserName: "an na" }),
      "ValidationError",
      "The specified value for userName is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_-",
    );
    await assertRefused(
      iam.getUser({ UserName: "nobody" }),
      "NoSuchEntity",
      "The user with name nobody cannot be found.",
    );
    await assertRefused(iam.createUser({ UserName: "x", Path: "team" }), "ValidationError");
  });

  test("without a name, the caller", async () => {
    const { User } = await iam.getUser({});
    assert.equal(User?.Arn, arn("root"));
    assert.equal(User?.UserId, accountId);
    assert.equal(User?.UserName, undefined);
    const own = await newUser("self", allow("iam:GetUser"));
    assert.equal((await own.iam.getUser({})).User?.UserName, "self");
  });

  test("a new name keeps the id, keys and policies", async () => {
    const user = await newUser("before", allow("iam:GetUser"));
    const { User: old } = await iam.getUser({ UserName: "before" });
    await iam.updateUser({ UserName: "before", NewUserName: "after", NewPath: "/moved/" });
    await assertRefused(iam.getUser({ UserName: "before" }), "NoSuchEntity");
    const { User } = await user.iam.getUser({});
    assert.equal(User?.Arn, arn("user/moved/after"));
    assert.equal(User?.UserId, old?.UserId);
  });

  test("who still has something is not deleted", async () => {
    const { pair } = await newUser("burdened", allow("s3:ListAllMyBuckets"));
    const UserName = "burdened";
    await assertRefused(
      iam.deleteUser({ UserName }),
      "DeleteConflict",
      "Cannot delete entity, must delete access keys first.",
    );
    await iam.deleteAccessKey({ UserName, AccessKeyId: pair.accessKeyId });
    await assertRefused(iam.deleteUser({ UserName }), "DeleteConflict", /policies first/);
    await iam.deleteUserPolicy({ UserName, PolicyName: "inline" });
    await iam.deleteUser({ UserName });
    await assertRefused(iam.deleteUser({ UserName }), "NoSuchEntity");
  });

  test("what tools ask about before they delete a user", async () => {
    await iam.createUser({ UserName: "plain" });
    const UserName = "plain";
    await assertRefused(
      iam.getLoginProfile({ UserName }),
      "NoSuchEntity",
      "Login Profile for User plain cannot be found.",
    );
    assert.deepEqual((await iam.listSSHPublicKeys({ UserName })).SSHPublicKeys, []);
    assert.deepEqual((await iam.listSigningCertificates({ UserName })).Certificates, []);
    const { ServiceSpecificCredentials } = await iam.listServiceSpecificCredentials({ UserName });
    assert.deepEqual(ServiceSpecificCredentials, []);
  });
});

describe("ListUsers", () => {
  test("by name, in pages, below a path", async () => {
    for (const name of ["page-c", "page-a", "page-b"]) {
      await iam.createUser({ UserName: name, Path: "/pages/", Tags: [{ Key: "k", Value: "v" }] });
    }
    const names: (string | undefined)[] = [];
    const pages = paginateListUsers({ client: iam, pageSize: 2 }, { PathPrefix: "/pages/" });
    for await (const { Users = [], IsTruncated, Marker } of pages) {
      assert.equal(IsTruncated, Marker !== undefined);
      for (const { UserName, Tags } of Users) {
        names.push(UserName);
        assert.equal(Tags, undefined, "lists leave out tags");
      }
    }
    assert.deepEqual(names, ["page-a", "page-b", "page-c"]);
    assert.deepEqual((await iam.listUsers({ PathPrefix: "/none/" })).Users, []);
    await assertRefused(iam.listUsers({ Marker: "no marker" }), "ValidationError");
  });
});

describe("TagUser, UntagUser, ListUserTags", () => {
  test("tags are merged by key and listed in order", async () => {
    const UserName = "tagged";
    await iam.createUser({ UserName, Tags: [{ Key: "b", Value: "1" }] });
    await iam.tagUser({
      UserName,
      Tags: [
        { Key: "b", Value: "2" },
        { Key: "a", Value: "" },
      ],
    });
    const { Tags, IsTruncated } = await iam.listUserTags({ UserName });
    assert.deepEqual(Tags, [
      { Key: "a", Value: "" },
      { Key: "b", Value: "2" },
    ]);
    assert.equal(IsTruncated, false);
    const first = await iam.listUserTags({ UserName, MaxItems: 1 });
    const second = await iam.listUserTags({ UserName, Marker: first.Marker });
    assert.deepEqual(
      [...(first.Tags ?? []), ...(second.Tags ?? [])].map(({ Key }) => Key),
      ["a", "b"],
    );
    await iam.untagUser({ UserName, TagKeys: ["a", "absent"] });
    assert.deepEqual((await iam.listUserTags({ UserName })).Tags, [{ Key: "b", Value: "2" }]);
  });
});

describe("access keys", () => {
  test("a key is shown once, listed without its secret, and signs at once", async () => {
    const UserName = "keys";
    const { pair, s3 } = await newUser(UserName, allow("s3:ListAllMyBuckets"));
    assert.match(pair.accessKeyId, /^AKIA[A-Z2-7]{16}$/);
    assert.equal(pair.secretAccessKey.length, 40);
    await s3.listBuckets({});
    const { AccessKeyMetadata } = await iam.listAccessKeys({ UserName });
    assert.deepEqual(
      AccessKeyMetadata?.map(({ AccessKeyId, Status, UserName: name }) => [
        AccessKeyId,
        Status,
        name,
      ]),
      [[pair.accessKeyId, "Active", UserName]],
    );
    assert.ok(!JSON.stringify(AccessKeyMetadata).includes(pair.secretAccessKey));
  });

  test("an inactive key does not sign, an active one again", async () => {
    const UserName = "switched";
    const { pair, sts, s3 } = await newUser(UserName, allow("s3:ListAllMyBuckets"));
    const AccessKeyId = pair.accessKeyId;
    await iam.updateAccessKey({ UserName, AccessKeyId, Status: "Inactive" });
    await assertRefused(
      sts.getCallerIdentity({}),
      "InvalidClientTokenId",
      "The security token included in the request is invalid.",
    );
    await assertRefused(s3.listBuckets({}), "InvalidAccessKeyId");
    await iam.updateAccessKey({ UserName, AccessKeyId, Status: "Active" });
    await sts.getCallerIdentity({});
    await iam.deleteAccessKey({ UserName, AccessKeyId });
    await assertRefused(sts.getCallerIdentity({}), "InvalidClientTokenId");
  });

  test("two keys a user, and no more", async () => {
    const UserName = "two";
    await iam.createUser({ UserName });
    await iam.createAccessKey({ UserName });
    await iam.createAccessKey({ UserName });
    await assertRefused(
      iam.createAccessKey({ UserName }),
      "LimitExceeded",
      "Cannot exceed quota for AccessKeysPerUser: 2",
    );
  });

  test("the root has keys of its own", async () => {
    const { AccessKey } = await iam.createAccessKey({});
    const root = as({
      accessKeyId: text(AccessKey?.AccessKeyId),
      secretAccessKey: text(AccessKey?.SecretAccessKey),
    });
    assert.equal((await root.sts.getCallerIdentity({})).Arn, arn("root"));
    await iam.deleteAccessKey({ AccessKeyId: AccessKey?.AccessKeyId });
  });

  test("a user with the permission rotates its own key", async () => {
    const user = await newUser("rotating");
    const own = arn("user/${aws:username}");
    await iam.putUserPolicy({
      UserName: "rotating",
      PolicyName: "own-keys",
      PolicyDocument: policy(allow("iam:*AccessKey*", own)),
    });
    const { AccessKey } = await user.iam.createAccessKey({});
    assert.equal(AccessKey?.UserName, "rotating");
    await user.iam.deleteAccessKey({ AccessKeyId: user.pair.accessKeyId });
    await assertRefused(
      as({
        accessKeyId: text(AccessKey?.AccessKeyId),
        secretAccessKey: text(AccessKey?.SecretAccessKey),
      }).iam.createAccessKey({ UserName: "anna" }),
      "AccessDenied",
      `User: ${arn("user/rotating")} is not authorized to perform: iam:CreateAccessKey on resource: ${arn("user/team/anna")} because no identity-based policy allows the iam:CreateAccessKey action`,
    );
  });

  test("GetAccessKeyLastUsed of a key that was never used", async () => {
    await iam.createUser({ UserName: "idle" });
    const { AccessKey } = await iam.createAccessKey({ UserName: "idle" });
    const used = await iam.getAccessKeyLastUsed({ AccessKeyId: AccessKey?.AccessKeyId });
    assert.equal(used.UserName, "idle");
    assert.deepEqual(used.AccessKeyLastUsed, { ServiceName: "N/A", Region: "N/A" });
    await assertRefused(
      iam.getAccessKeyLastUsed({ AccessKeyId: "AKIAIOSFODNN7EXAMPLE" }),
      "NoSuchEntity",
    );
  });
});
