// The explanation of decisions: the same verdict as the request itself gets, with the layer and the
// statement that decided; for administrators of the accounts concerned alone.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { KMS } from "@aws-sdk/client-kms";
import type { S3 } from "@aws-sdk/client-s3";
import { startIdentityServer, type Pair } from "../s3/identity-server.ts";
import { ManagementClient, type Answer } from "./management-client.ts";

const server = await startIdentityServer();
after(() => server[Symbol.asyncDispose]());
const root = new ManagementClient(server.endpoint, server.root);
const { accountId } = server;
const Bucket = "explained";
const Key = "k";
const reading = { Action: "s3:GetObject", Bucket, Key };

let owner: S3;
before(async () => {
  owner = server.client(server.root);
  await owner.createBucket({ Bucket });
  await owner.putObject({ Bucket, Key, Body: "1", Tagging: "kind=open" });
});

const userArn = (name: string): string => `arn:aws:iam::${accountId}:user/${name}`;

function policyOf(...statements: readonly object[]): string {
  return JSON.stringify({ Version: "2012-10-17", Statement: statements });
}

async function setBucketPolicy(...statements: readonly object[]): Promise<void> {
  if (statements.length === 0) await owner.deleteBucketPolicy({ Bucket });
  else await owner.putBucketPolicy({ Bucket, Policy: policyOf(...statements) });
}

/** Asserts that the request gets what the explanation says, and answers the explanation. */
async function explain(
  pair: Pair,
  principal: string,
  request: object = reading,
  isAllowed?: boolean,
): Promise<Answer> {
  const explained = await root.call("ExplainDecision", { Principal: principal, ...request });
  const got = await server
    .client(pair)
    .getObject({ Bucket, Key })
    .then(() => "Allow")
    .catch((error: { name: string }) => (error.name === "AccessDenied" ? "Deny" : error.name));
  assert.equal(explained.Decision, got);
  if (isAllowed !== undefined) assert.equal(got, isAllowed ? "Allow" : "Deny");
  return explained;
}

function layer(explained: Answer, name: string): Answer {
  return explained.Layers.find(({ Layer }: { Layer: string }) => Layer === name);
}

describe("what an explanation says", () => {
  test("the policy that allows, and that of a boundary, a session or nobody", async () => {
    const reader = await server.newUser("reader", "AmazonS3ReadOnlyAccess");
    const allowed = await explain(reader, userArn("reader"), reading, true);
    assert.equal(allowed.Reason, "identity-policy");
    assert.equal(allowed.Statement.PolicyName, "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess");
    assert.equal(allowed.Resource, `arn:aws:s3:::${Bucket}/${Key}`);
    assert.deepEqual(allowed.Principal, {
      Kind: "user",
      Arn: userArn("reader"),
      AccountId: accountId,
    });
    const byKey = await explain(reader, reader.accessKeyId, reading, true);
    assert.equal(byKey.Principal.AccessKeyId, reader.accessKeyId);

    const SessionPolicy = policyOf({ Effect: "Allow", Action: "s3:ListBucket", Resource: "*" });
    const narrowed = await root.call("ExplainDecision", {
      Principal: userArn("reader"),
      SessionPolicy,
      ...reading,
    });
    assert.deepEqual([narrowed.Decision, narrowed.Reason], ["Deny", "session-policy"]);
    assert.equal(layer(narrowed, "session-policies").Verdict, "deny");

    const entity = { kind: "user", accountId, name: "reader" } as const;
    const boundary = "arn:aws:iam::aws:policy/IAMReadOnlyAccess";
    await server.identities.entityPolicies.putBoundary(entity, boundary);
    const bounded = await explain(reader, userArn("reader"), reading, false);
    assert.equal(bounded.Reason, "permissions-boundary");
    assert.equal(layer(bounded, "identity-policies").Verdict, "allow");
    assert.match(layer(bounded, "permissions-boundary").Explanation, /IAMReadOnlyAccess does not/);

    const nobody = await server.newUser("nobody");
    const silent = await explain(nobody, userArn("nobody"), reading, false);
    assert.equal(silent.Reason, "no-identity-policy");
    assert.equal(silent.Explanation, "Denied because no policy of the caller allows it.");
  });

  test("the statement that denies, by name and number", async () => {
    const reader = await server.newUser("denied", "AmazonS3FullAccess");
    const statement = { Effect: "Deny", Principal: "*", Action: "s3:GetObject" };
    await setBucketPolicy({ Sid: "Closed", ...statement, Resource: `arn:aws:s3:::${Bucket}/*` });
    const explained = await explain(reader, userArn("denied"), reading, false);
    assert.equal(explained.Reason, "explicit-deny");
    assert.deepEqual(explained.Statement, {
      PolicyKind: "bucket",
      PolicyName: "bucket policy",
      Sid: "Closed",
      Index: 0,
    });
    assert.equal(
      explained.Explanation,
      'Denied explicitly: statement "Closed" of the bucket policy.',
    );
    assert.equal(layer(explained, "identity-policies").Verdict, "allow");
    await setBucketPolicy();
  });

  test("conditions are judged by the request that is imagined", async () => {
    await server.newUser("conditional");
    await setBucketPolicy({
      Effect: "Allow",
      Principal: { AWS: userArn("conditional") },
      Action: "s3:GetObject",
      Resource: `arn:aws:s3:::${Bucket}/*`,
      Condition: {
        IpAddress: { "aws:SourceIp": "192.0.2.0/24" },
        Bool: { "aws:SecureTransport": "true" },
        StringEquals: { "aws:Referer": "here", "s3:ExistingObjectTag/kind": "open" },
        DateLessThan: { "aws:CurrentTime": "2030-01-01T00:00:00Z" },
      },
    });
    const fitting = {
      Principal: userArn("conditional"),
      ...reading,
      SourceIp: "192.0.2.7",
      Headers: { Referer: "here" },
      CurrentTime: "2029-01-01T00:00:00Z",
    };
    assert.equal((await root.call("ExplainDecision", fitting)).Reason, "bucket-policy");
    const others = [
      { SourceIp: "198.51.100.1" },
      { SecureTransport: false },
      { Headers: {} },
      { CurrentTime: "2031-01-01T00:00:00Z" },
    ];
    for (const other of others) {
      const explained = await root.call("ExplainDecision", { ...fitting, ...other });
      assert.equal(explained.Decision, "Deny", JSON.stringify(other));
    }
    await setBucketPolicy();
  });

  test("lists, ownership and Block Public Access", async () => {
    const anonymous = { Principal: "anonymous", ...reading };
    const enforced = await root.call("ExplainDecision", anonymous);
    assert.equal(enforced.Reason, "no-resource-permission");
    assert.match(layer(enforced, "access-control-list").Explanation, /owner owns everything/);

    await owner.deletePublicAccessBlock({ Bucket });
    const Rules = [{ ObjectOwnership: "ObjectWriter" as const }];
    await owner.putBucketOwnershipControls({ Bucket, OwnershipControls: { Rules } });
    await owner.putObjectAcl({ Bucket, Key, ACL: "public-read" });
    const listed = await root.call("ExplainDecision", anonymous);
    assert.deepEqual([listed.Decision, listed.Reason], ["Allow", "access-control-list"]);
    assert.equal((await fetch(`${server.endpoint}/${Bucket}/${Key}`)).status, 200);

    await owner.putPublicAccessBlock({
      Bucket,
      PublicAccessBlockConfiguration: { IgnorePublicAcls: true, RestrictPublicBuckets: true },
    });
    const ignored = await root.call("ExplainDecision", anonymous);
    assert.equal(ignored.Decision, "Deny");
    assert.match(layer(ignored, "access-control-list").Explanation, /IgnorePublicAcls/);
    assert.equal(layer(ignored, "block-public-access").Verdict, "deny");
    assert.equal((await fetch(`${server.endpoint}/${Bucket}/${Key}`)).status, 403);

    const statement = { Effect: "Allow", Principal: "*", Action: "s3:GetObject" };
    await setBucketPolicy({ ...statement, Resource: `arn:aws:s3:::${Bucket}/*` });
    const restricted = await root.call("ExplainDecision", anonymous);
    assert.equal(restricted.Reason, "restricted-public-bucket");
    await setBucketPolicy();
  });

  test("roles by their ARN, and what they are asked for", async () => {
    const AssumeRolePolicyDocument = policyOf({
      Effect: "Allow",
      Principal: { AWS: accountId },
      Action: "sts:AssumeRole",
    });
    await server.identities.roles.create(accountId, {
      roleName: "worker",
      assumeRolePolicyDocument: AssumeRolePolicyDocument,
    });
    const entity = { kind: "role", accountId, name: "worker" } as const;
    const Condition = { Bool: { "aws:MultiFactorAuthPresent": "true" } };
    const document = policyOf({ Effect: "Allow", Action: "s3:*", Resource: "*", Condition });
    await server.identities.entityPolicies.putInline(entity, "all", document);
    const Principal = `arn:aws:iam::${accountId}:role/worker`;
    const without = await root.call("ExplainDecision", { Principal, ...reading });
    assert.equal(without.Decision, "Deny");
    const MfaAuthenticated = true;
    const having = await root.call("ExplainDecision", { Principal, ...reading, MfaAuthenticated });
    assert.equal(having.Decision, "Allow");
    const session = `arn:aws:sts::${accountId}:assumed-role/worker/s`;
    const named = await root.call("ExplainDecision", { Principal: session, ...reading });
    assert.equal(named.Principal.Arn, session);
  });

  test("actions on buckets, the account and other services; versions change the action", async () => {
    await server.newUser("full", "AmazonS3FullAccess");
    const Principal = userArn("full");
    const ask = (input: object): Promise<Answer> =>
      root.call("ExplainDecision", { Principal, ...input });
    assert.equal((await ask({ Action: "s3:ListBucket", Bucket })).Decision, "Allow");
    assert.equal((await ask({ Action: "s3:ListAllMyBuckets" })).Decision, "Allow");
    assert.equal(
      (await ask({ Action: "s3:CreateBucket", Bucket: "new" })).Resource,
      "arn:aws:s3:::new",
    );
    const version = await ask({ Action: "s3:GetObject", Bucket, Key, VersionId: "null" });
    assert.equal(version.Action, "s3:GetObjectVersion");
    const bypass = await ask({ Action: "s3:BypassGovernanceRetention", Bucket, Key });
    assert.equal(bypass.Decision, "Allow");
    const other = await ask({ Action: "iam:CreateUser", Resource: userArn("x") });
    assert.deepEqual([other.Decision, other.Reason], ["Deny", "no-identity-policy"]);
    const missing = await ask({ Action: "s3:GetObject", Bucket, Key: "none" });
    assert.equal(missing.Decision, "Allow");
    await server.newUser("lister");
    const entity = { kind: "user", accountId, name: "lister" } as const;
    const document = policyOf({ Effect: "Allow", Action: "s3:ListBucket", Resource: "*" });
    await server.identities.entityPolicies.putInline(entity, "list", document);
    const told = await root.call("ExplainDecision", {
      Principal: userArn("lister"),
      ...reading,
      Key: "none",
    });
    assert.equal(told.Decision, "Deny");
    assert.match(told.Note, /404 rather than 403/);
  });

  test("KMS keys, which decide by their own policies", async () => {
    const kms = new KMS({
      endpoint: server.endpoint,
      region: "us-east-1",
      credentials: { ...server.root },
    });
    const { KeyMetadata } = await kms.createKey({});
    const Resource = KeyMetadata?.Arn as string;
    const KeyId = KeyMetadata?.KeyId as string;
    await server.newUser("cipher");
    const asked = { Principal: userArn("cipher"), Action: "kms:Decrypt", Resource };
    const silent = await root.call("ExplainDecision", asked);
    assert.deepEqual([silent.Decision, silent.Reason], ["Deny", "no-identity-policy"]);
    assert.equal(layer(silent, "key-policy").Verdict, "silent");
    const grant = { Effect: "Allow", Action: "kms:*", Resource: "*" };
    const mine = { ...grant, Sid: "Root", Principal: { AWS: `arn:aws:iam::${accountId}:root` } };
    const named = { ...grant, Sid: "Cipher", Principal: { AWS: userArn("cipher") } };
    await kms.putKeyPolicy({ KeyId, Policy: policyOf(mine, named) });
    const allowed = await root.call("ExplainDecision", asked);
    assert.deepEqual([allowed.Decision, allowed.Reason], ["Allow", "key-policy"]);
    assert.equal(layer(allowed, "key-policy").Statement.Sid, "Cipher");
    const unknown = { ...asked, Resource: `${Resource}x` };
    await root.refused("ExplainDecision", unknown, "NotFoundException", 400);
    kms.destroy();
  });

  test("keys that do not work say so", async () => {
    const pair = await server.newUser("idle", "AmazonS3FullAccess");
    const owned = { accountId, userName: "idle" };
    await server.identities.accessKeys.setStatus(owned, pair.accessKeyId, "Inactive");
    const explained = await root.call("ExplainDecision", {
      Principal: pair.accessKeyId,
      ...reading,
    });
    assert.deepEqual([explained.Decision, explained.Reason], ["Deny", "inactive-access-key"]);
    assert.equal(layer(explained, "identity-policies").Verdict, "allow");
  });
});

describe("who is told", () => {
  test("an account is told of its own principals on its own buckets alone", async () => {
    const { pair, client: tenant } = await root.newAccount();
    await server.client(pair).createBucket({ Bucket: "tenants" });
    const own = { Principal: pair.accessKeyId, Action: "s3:ListBucket" };
    assert.equal(
      (await tenant.call("ExplainDecision", { ...own, Bucket: "tenants" })).Decision,
      "Allow",
    );
    const denied = ["AccessDeniedException", 403] as const;
    await tenant.refused("ExplainDecision", { ...own, Bucket }, ...denied);
    const foreign = { ...own, Bucket: "tenants" };
    const arn = `arn:aws:iam::${accountId}:root`;
    await tenant.refused("ExplainDecision", { ...foreign, Principal: arn }, ...denied);
    const key = { ...foreign, Principal: server.root.accessKeyId };
    await tenant.refused("ExplainDecision", key, "NoSuchEntityException", 404);
    const across = await root.call("ExplainDecision", { ...own, Bucket });
    assert.deepEqual([across.Decision, across.Reason], ["Deny", "no-resource-permission"]);
  });

  test("a user without the permission is told nothing", async () => {
    const pair = await server.newUser("curious", "AmazonS3FullAccess");
    const curious = new ManagementClient(server.endpoint, pair);
    const input = { Principal: "anonymous", ...reading };
    await curious.refused("ExplainDecision", input, "AccessDeniedException", 403);
  });

  test("questions that make no sense are refused", async () => {
    const Principal = "anonymous";
    const ask = (input: object): Promise<string> =>
      root.refused("ExplainDecision", { Principal, ...input }, "ValidationException", 400);
    assert.match(await ask({ Action: "s3:GetObjekt", Bucket, Key }), /there is no s3:GetObjekt/);
    assert.match(await ask({ Action: "s3:GetObject", Bucket }), /^Key: must be given/);
    assert.match(await ask({ Action: "s3:ListBucket", Bucket, Key }), /is about buckets/);
    assert.match(await ask({ Action: "s3:GetObject", Key }), /^Bucket: must be given/);
    assert.match(await ask({ Action: "ec2:RunInstances" }), /^Action: must be one of/);
    assert.match(await ask({ ...reading, Principal: "arn:aws:iam::1:user/x" }), /^Principal/);
    assert.match(await ask({ ...reading, SourceIp: "here" }), /^SourceIp/);
    const gone = { ...reading, Principal: userArn("gone") };
    await root.refused("ExplainDecision", gone, "NoSuchEntityException", 404);
    const noBucket = { Principal, ...reading, Bucket: "no-such" };
    await root.refused("ExplainDecision", noBucket, "NoSuchBucketException", 404);
  });
});
