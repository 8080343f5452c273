// Service accounts: keys that may do no more than their policy and their owner; and the end of sessions.

import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { STS } from "@aws-sdk/client-sts";
import { ManualClock } from "../../src/base/clock.ts";
import { startIdentityServer, type Pair } from "../s3/identity-server.ts";
import { ManagementClient, type Answer } from "./management-client.ts";

const clock = new ManualClock(Date.now());
const server = await startIdentityServer({ clock });
after(() => server[Symbol.asyncDispose]());
const root = new ManagementClient(server.endpoint, server.root);
const s3 = server.client(server.root);
await s3.createBucket({ Bucket: "bucket" });
await s3.putObject({ Bucket: "bucket", Key: "k", Body: "1" });

const readOnly = JSON.stringify({
  Version: "2012-10-17",
  Statement: { Effect: "Allow", Action: "s3:GetObject", Resource: "*" },
});

function pairOf({ ServiceAccount }: Answer): Pair {
  const { AccessKeyId, SecretAccessKey } = ServiceAccount;
  return { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey };
}

async function allow(userName: string, ...actions: readonly string[]): Promise<void> {
  const entity = { kind: "user", accountId: server.accountId, name: userName } as const;
  const document = JSON.stringify({
    Version: "2012-10-17",
    Statement: {
      Effect: "Allow",
      Action: actions,
      // Itself, and nobody else.
      Resource: ["arn:aws:s3:::*", `arn:aws:iam::${server.accountId}:user/\${aws:username}`],
    },
  });
  await server.identities.entityPolicies.putInline(entity, "allowed", document);
}

const read = (pair: Pair) => server.client(pair).getObject({ Bucket: "bucket", Key: "k" });
const write = (pair: Pair) =>
  server.client(pair).putObject({ Bucket: "bucket", Key: "n", Body: "" });

describe("service accounts", () => {
  test("may do what both their policy and their owner may", async () => {
    const made = await root.call("CreateServiceAccount", { Name: "backup", Policy: readOnly });
    const pair = pairOf(made);
    await read(pair);
    await assert.rejects(write(pair), { name: "AccessDenied" });
    const { ServiceAccounts } = await root.call("ListServiceAccounts");
    const listed = ServiceAccounts.find(
      ({ AccessKeyId }: Answer) => AccessKeyId === pair.accessKeyId,
    );
    assert.deepEqual([listed.Name, listed.Policy, listed.Status], ["backup", readOnly, "Active"]);
    assert.doesNotMatch(JSON.stringify(ServiceAccounts), /Secret/);

    const AccessKeyId = pair.accessKeyId;
    await root.call("UpdateServiceAccount", { AccessKeyId, RemovePolicy: true });
    await write(pair);
    await root.call("UpdateServiceAccount", { AccessKeyId, Status: "Inactive" });
    await assert.rejects(read(pair), { name: "InvalidAccessKeyId" });
    await root.call("DeleteServiceAccount", { AccessKeyId });
    await root.refused("DeleteServiceAccount", { AccessKeyId }, "NoSuchEntityException", 404);
  });

  test("end when they expire", async () => {
    const ExpiresAt = new Date(clock.now() + 60_000).toISOString();
    const pair = pairOf(await root.call("CreateServiceAccount", { ExpiresAt }));
    await read(pair);
    clock.advance(60_001);
    await assert.rejects(read(pair), { name: "InvalidAccessKeyId" });
    const explained = await root.call("ExplainDecision", {
      Principal: pair.accessKeyId,
      Action: "s3:GetObject",
      Bucket: "bucket",
      Key: "k",
    });
    assert.equal(explained.Reason, "expired-access-key");
    const AccessKeyId = pair.accessKeyId;
    await root.call("UpdateServiceAccount", { AccessKeyId, RemoveExpiry: true });
    await read(pair);
    const past = ["ValidationException", 400] as const;
    await root.refused("CreateServiceAccount", { ExpiresAt }, ...past);
  });

  test("users make their own where a policy says so, and those of others do not concern them", async () => {
    const anna = await server.newUser("anna");
    const client = new ManagementClient(server.endpoint, anna);
    const denied = ["AccessDeniedException", 403] as const;
    await client.refused("CreateServiceAccount", {}, ...denied);
    await allow("anna", "s3:*", "holdfast:*ServiceAccount*");
    const { ServiceAccount } = await client.call("CreateServiceAccount", { Policy: readOnly });
    assert.equal(ServiceAccount.UserName, "anna");
    await server.newUser("berta");
    await client.refused("CreateServiceAccount", { UserName: "berta" }, ...denied);
    await client.refused("ListServiceAccounts", { UserName: "berta" }, ...denied);
    const made = await root.call("CreateServiceAccount", { UserName: "berta" });
    const { AccessKeyId } = made.ServiceAccount;
    await client.refused("DeleteServiceAccount", { AccessKeyId }, ...denied);
    await root.call("DeleteServiceAccount", { AccessKeyId });
  });

  test("cannot make or widen keys themselves", async () => {
    const Policy = JSON.stringify({
      Version: "2012-10-17",
      Statement: { Effect: "Allow", Action: "holdfast:*", Resource: "*" },
    });
    const pair = pairOf(await root.call("CreateServiceAccount", { Policy }));
    const narrowed = new ManagementClient(server.endpoint, pair);
    assert.ok((await narrowed.call("ListServiceAccounts")).ServiceAccounts.length > 0);
    const denied = ["AccessDeniedException", 403] as const;
    await narrowed.refused("CreateServiceAccount", {}, ...denied);
    const widening = { AccessKeyId: pair.accessKeyId, RemovePolicy: true };
    await narrowed.refused("UpdateServiceAccount", widening, ...denied);
    await narrowed.refused("CreateRootAccessKey", { AccountId: server.accountId }, ...denied);
  });

  test("a policy that is none is refused", async () => {
    const text = await root.refused(
      "CreateServiceAccount",
      { Policy: "{}" },
      "MalformedPolicyDocumentException",
      400,
    );
    assert.notEqual(text, "");
  });
});

async function newSession(pair: Pair): Promise<Pair> {
  const sts = new STS({
    endpoint: server.endpoint,
    region: "us-east-1",
    credentials: { ...pair },
  });
  const { Credentials } = await sts.getSessionToken({});
  sts.destroy();
  return {
    accessKeyId: Credentials?.AccessKeyId as string,
    secretAccessKey: Credentials?.SecretAccessKey as string,
    sessionToken: Credentials?.SessionToken as string,
  };
}

describe("sessions", () => {
  test("of a user end at once, later ones work", async () => {
    const pair = await server.newUser("visitor", "AmazonS3ReadOnlyAccess");
    const session = await newSession(pair);
    await read(session);
    await root.call("RevokeSessions", { UserName: "visitor" });
    await assert.rejects(read(session), { name: "InvalidToken" });
    clock.advance(1000);
    await read(await newSession(pair));
  });

  test("one of them alone", async () => {
    const pair = await server.newUser("guest", "AmazonS3ReadOnlyAccess");
    const [first, second] = [await newSession(pair), await newSession(pair)];
    await root.call("RevokeSessions", { SessionAccessKeyId: first.accessKeyId });
    await assert.rejects(read(first), { name: "InvalidToken" });
    await read(second);
  });

  test("of the root, and what is not clear", async () => {
    const session = await newSession(server.root);
    await read(session);
    await root.call("RevokeSessions", { Root: true });
    await assert.rejects(read(session), { name: "InvalidToken" });
    const invalid = ["ValidationException", 400] as const;
    await root.refused("RevokeSessions", {}, ...invalid);
    await root.refused("RevokeSessions", { Root: true, UserName: "x" }, ...invalid);
    await root.refused("RevokeSessions", { UserName: "none" }, "NoSuchEntityException", 404);
  });
});
