// Temporary credentials against a whole server: how they open, how they end, and what S3 says of tokens
// that are not right.

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { GetObjectCommand } from "@aws-sdk/client-s3";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import type { RoleRecord } from "../../src/access/identities/identity-records.ts";
import { sealSessionToken, type SessionToken } from "../../src/access/identities/session-tokens.ts";
import { ManualClock } from "../../src/base/clock.ts";
import { startIdentityServer, type IdentityServer, type Pair } from "./identity-server.ts";
import { assertRefused, elementOf } from "./test-server.ts";

const denied = { code: "AccessDenied", status: 403 };
const badToken = {
  code: "InvalidToken",
  status: 400,
  message: "The provided token is malformed or otherwise invalid.",
};
const unknownKey = { code: "InvalidAccessKeyId", status: 403 };
const hour = 3_600_000;

type Session = Pair & { readonly sessionToken: string };

async function newRole(server: IdentityServer, name = "reader"): Promise<RoleRecord> {
  const { identities, accountId } = server;
  const role = await identities.roles.create(accountId, {
    roleName: name,
    assumeRolePolicyDocument: JSON.stringify({
      Version: "2012-10-17",
      Statement: [{ Effect: "Allow", Principal: { AWS: accountId }, Action: "sts:AssumeRole" }],
    }),
  });
  const entity = { kind: "role", accountId, name } as const;
  await identities.entityPolicies.attach(entity, "arn:aws:iam::aws:policy/AmazonS3FullAccess");
  return role;
}

function newSession(
  server: IdentityServer,
  clock: ManualClock,
  more: Pick<SessionToken, "kind" | "principalId"> & Partial<SessionToken>,
): Session {
  const { ids, sealer } = server.identities.database;
  const token: SessionToken = {
    v: 1,
    accessKeyId: ids.accessKeyId("ASIA"),
    secret: ids.secret(),
    accountId: server.accountId,
    sessionName: "session",
    issuedMilliseconds: clock.now(),
    expiresMilliseconds: clock.now() + hour,
    ...more,
  };
  return {
    accessKeyId: token.accessKeyId,
    secretAccessKey: token.secret,
    sessionToken: sealSessionToken(sealer, token),
  };
}

function newClock(): ManualClock {
  return new ManualClock(Math.floor(Date.now() / 1000) * 1000);
}

test("a session opens what its role may, in headers and in presigned URLs", async () => {
  const clock = newClock();
  await using server = await startIdentityServer({ clock });
  const role = await newRole(server);
  const session = newSession(server, clock, { kind: "role-session", principalId: role.id });
  const client = server.client(session);
  await client.createBucket({ Bucket: "bucket" });
  await client.putObject({ Bucket: "bucket", Key: "key", Body: "text" });
  const command = new GetObjectCommand({ Bucket: "bucket", Key: "key" });
  const url = await getSignedUrl(client, command);
  assert.equal(await (await fetch(url)).text(), "text");
  const parsed = new URL(url);
  parsed.searchParams.set("X-Amz-Security-Token", session.sessionToken.slice(0, -4));
  const answer = await fetch(parsed);
  assert.equal(answer.status, 400);
  assert.equal(elementOf(await answer.text(), "Code"), "InvalidToken");
});

test("its end is the clock's, and said in S3's words", async () => {
  const clock = newClock();
  await using server = await startIdentityServer({ clock });
  const role = await newRole(server);
  const session = newSession(server, clock, {
    kind: "role-session",
    principalId: role.id,
    expiresMilliseconds: clock.now() + 600_000,
  });
  const client = server.client(session);
  await client.listBuckets({});
  clock.advance(599_999);
  await client.listBuckets({});
  clock.advance(1);
  await assertRefused(client.listBuckets({}), {
    code: "ExpiredToken",
    status: 400,
    message: "The provided token has expired.",
    fields: { "Token-0": session.sessionToken },
  });
});

test("tokens that are damaged, another's, missing or superfluous are refused", async () => {
  const clock = newClock();
  await using server = await startIdentityServer({ clock });
  const role = await newRole(server);
  const kind = { kind: "role-session", principalId: role.id } as const;
  const one = newSession(server, clock, kind);
  const two = newSession(server, clock, kind);
  const user = await server.newUser("bob", "AmazonS3FullAccess");
  const list = (pair: Pair): Promise<unknown> => server.client(pair).listBuckets({});
  await list(one);
  const middle = Math.floor(one.sessionToken.length / 2);
  const damaged =
    one.sessionToken.slice(0, middle) +
    (one.sessionToken[middle] === "A" ? "B" : "A") +
    one.sessionToken.slice(middle + 1);
  await assertRefused(list({ ...one, sessionToken: damaged }), badToken);
  await assertRefused(list({ ...one, sessionToken: "FwoGZXIvYXdzEXAMPLE" }), badToken);
  await assertRefused(list({ ...one, sessionToken: two.sessionToken }), badToken);
  await assertRefused(list({ ...user, sessionToken: one.sessionToken }), badToken);
  await assertRefused(list({ ...server.root, sessionToken: one.sessionToken }), badToken);
  const { sessionToken: _, ...bare } = one;
  await assertRefused(list(bare), unknownKey);
  await assertRefused(list({ ...user, accessKeyId: "AKIANOBODYHASTHISKEY" }), unknownKey);
  await assertRefused(list({ ...one, secretAccessKey: two.secretAccessKey }), {
    code: "SignatureDoesNotMatch",
    status: 403,
  });
});

test("a role's sessions end with it, with a revocation, and with a policy on their time", async () => {
  const clock = newClock();
  await using server = await startIdentityServer({ clock });
  const { identities, accountId } = server;
  const role = await newRole(server);
  const kind = { kind: "role-session", principalId: role.id } as const;
  const first = newSession(server, clock, kind);
  const firstClient = server.client(first);
  await firstClient.listBuckets({});
  await identities.roles.revokeSession(accountId, first.accessKeyId, clock.now() + hour);
  await assertRefused(firstClient.listBuckets({}), badToken);

  const second = server.client(newSession(server, clock, kind));
  await second.listBuckets({});
  await identities.roles.revokeSessions(accountId, "reader");
  await assertRefused(second.listBuckets({}), badToken);

  clock.advance(1000);
  const third = server.client(newSession(server, clock, kind));
  await third.listBuckets({});
  clock.advance(1000);
  // What the console's "Revoke active sessions" puts there.
  const entity = { kind: "role", accountId, name: "reader" } as const;
  const older = { DateLessThan: { "aws:TokenIssueTime": new Date(clock.now()).toISOString() } };
  await identities.entityPolicies.putInline(
    entity,
    "AWSRevokeOlderSessions",
    JSON.stringify({
      Version: "2012-10-17",
      Statement: [{ Effect: "Deny", Action: ["*"], Resource: ["*"], Condition: older }],
    }),
  );
  await assertRefused(third.listBuckets({}), denied);
  const fourth = server.client(newSession(server, clock, kind));
  await fourth.listBuckets({});

  await identities.entityPolicies.deleteInline(entity, "AWSRevokeOlderSessions");
  await identities.entityPolicies.detach(entity, "arn:aws:iam::aws:policy/AmazonS3FullAccess");
  await identities.roles.delete(accountId, "reader");
  await newRole(server);
  await assertRefused(fourth.listBuckets({}), badToken);
});

test("session policies narrow, for roles, users, federated users and the root alike", async () => {
  const clock = newClock();
  await using server = await startIdentityServer({ clock });
  const { identities, accountId } = server;
  const role = await newRole(server);
  await server.newUser("bob", "AmazonS3FullAccess");
  const user = await identities.users.get(accountId, "bob");
  const root = server.client(server.root);
  for (const Bucket of ["mine", "other"]) {
    await root.createBucket({ Bucket });
    await root.putObject({ Bucket, Key: "key", Body: "text" });
  }
  const document = JSON.stringify({
    Version: "2012-10-17",
    Statement: [{ Effect: "Allow", Action: "s3:*", Resource: "arn:aws:s3:::mine/*" }],
  });
  const arns = ["arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"];
  for (const kind of [
    { kind: "role-session", principalId: role.id },
    { kind: "user", principalId: user.id },
    { kind: "federated-user", principalId: user.id },
    { kind: "root", principalId: accountId },
  ] as const) {
    const narrowed = server.client(newSession(server, clock, { ...kind, policies: { document } }));
    await narrowed.getObject({ Bucket: "mine", Key: "key" });
    await assertRefused(narrowed.getObject({ Bucket: "other", Key: "key" }), denied);
    const both = { document, arns };
    const wider = server.client(newSession(server, clock, { ...kind, policies: both }));
    await wider.getObject({ Bucket: "other", Key: "key" });
    await assertRefused(wider.putObject({ Bucket: "other", Key: "new", Body: "new" }), denied);
    const nothing = server.client(newSession(server, clock, { ...kind, policies: {} }));
    await assertRefused(nothing.getObject({ Bucket: "mine", Key: "key" }), denied);
  }
});

test("a session's tags stand over its role's in conditions", async () => {
  const clock = newClock();
  await using server = await startIdentityServer({ clock });
  const { identities, accountId } = server;
  const role = await newRole(server);
  await identities.roles.tag(accountId, "reader", [["team", "red"]]);
  const entity = { kind: "role", accountId, name: "reader" } as const;
  await identities.entityPolicies.putInline(
    entity,
    "by-team",
    JSON.stringify({
      Version: "2012-10-17",
      Statement: [
        {
          Effect: "Deny",
          Action: "s3:ListAllMyBuckets",
          Resource: "*",
          Condition: { StringNotEquals: { "aws:PrincipalTag/team": "blue" } },
        },
      ],
    }),
  );
  const kind = { kind: "role-session", principalId: role.id } as const;
  const red = server.client(newSession(server, clock, kind));
  await assertRefused(red.listBuckets({}), denied);
  const blue = server.client(newSession(server, clock, { ...kind, tags: [["Team", "blue"]] }));
  await blue.listBuckets({});
});

test("every process opens the tokens of every other, and no other server does", async () => {
  const directory = await mkdtemp(join(tmpdir(), "holdfast-sessions-"));
  const clock = newClock();
  try {
    await using first = await startIdentityServer({ directory, clock });
    const { root } = first;
    await using second = await startIdentityServer({ directory, clock, root, isFirst: false });
    await using stranger = await startIdentityServer({ clock });
    const role = await newRole(first);
    const session = newSession(first, clock, { kind: "role-session", principalId: role.id });
    await second.client(session).listBuckets({});
    await assertRefused(stranger.client(session).listBuckets({}), badToken);
    await second.identities.roles.revokeSession(
      first.accountId,
      session.accessKeyId,
      clock.now() + hour,
    );
    await assertRefused(first.client(session).listBuckets({}), badToken);
  } finally {
    await rm(directory, { recursive: true });
  }
});
