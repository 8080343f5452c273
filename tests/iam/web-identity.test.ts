// OpenID Connect providers, and AssumeRoleWithWebIdentity with the tokens of a provider on this machine.

import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { describe, test } from "node:test";
import { ManualClock } from "../../src/app.ts";
import { allow, assertRefused, pairOf, policy, startIamServer, text } from "./iam-server.ts";
import { startIdentityProvider } from "./identity-provider.ts";

const clock = new ManualClock(Date.now());
const { iam, sts, server, arn, as, newUser } = await startIamServer({ clock });
const provider = await startIdentityProvider();

const { OpenIDConnectProviderArn: providerArn } = await iam.createOpenIDConnectProvider({
  Url: provider.issuer,
  ClientIDList: ["client-1", "client-2"],
});

function webTrust(condition: object = {}, ...actions: readonly string[]): string {
  return policy({
    Effect: "Allow",
    Principal: { Federated: providerArn },
    Action: ["sts:AssumeRoleWithWebIdentity", ...actions],
    ...(Object.keys(condition).length === 0 ? {} : { Condition: condition }),
  });
}

async function newRole(RoleName: string, trust: string, ...statements: readonly object[]) {
  await iam.createRole({ RoleName, AssumeRolePolicyDocument: trust });
  if (statements.length > 0) {
    const PolicyDocument = policy(...statements);
    await iam.putRolePolicy({ RoleName, PolicyName: "inline", PolicyDocument });
  }
  return arn(`role/${RoleName}`);
}

function assume(RoleArn: string, WebIdentityToken: string, input: object = {}) {
  return sts.assumeRoleWithWebIdentity({
    RoleArn,
    RoleSessionName: "session",
    WebIdentityToken,
    ...input,
  });
}

const role = await newRole("web", webTrust(), allow("s3:ListAllMyBuckets"));

describe("AssumeRoleWithWebIdentity", () => {
  test("a token of a provider that the account trusts gives a session", async () => {
    const answer = await assume(role, provider.token({}));
    assert.equal(answer.SubjectFromWebIdentityToken, "subject-1");
    assert.equal(answer.Audience, "client-1");
    assert.equal(answer.Provider, providerArn);
    assert.match(text(answer.AssumedRoleUser?.Arn), /:assumed-role\/web\/session$/);
    const session = as(pairOf(answer.Credentials));
    await session.s3.listBuckets({});
    await assertRefused(session.iam.listUsers({}), "AccessDenied");
  });

  test("without credentials, as workloads call it", async () => {
    const body = new URLSearchParams({
      Action: "AssumeRoleWithWebIdentity",
      Version: "2011-06-15",
      RoleArn: role,
      RoleSessionName: "session",
      WebIdentityToken: provider.token({}),
    });
    const answer = await fetch(server.endpoint, { method: "POST", body });
    assert.equal(answer.status, 200);
    assert.match(await answer.text(), /<AccessKeyId>ASIA/);
  });

  test("the trust policy sees subject, audience and session name", async () => {
    const condition = {
      StringEquals: {
        [`${provider.name}:aud`]: "client-2",
        "sts:RoleSessionName": "session",
      },
      StringLike: { [`${provider.name}:sub`]: "repo:me/*" },
    };
    const conditional = await newRole("conditional", webTrust(condition));
    const refused = [{ sub: "repo:me/x" }, { aud: "client-2" }];
    for (const claims of refused) {
      await assertRefused(
        assume(conditional, provider.token(claims)),
        "AccessDenied",
        "Not authorized to perform sts:AssumeRoleWithWebIdentity",
      );
    }
    await assume(conditional, provider.token({ sub: "repo:me/x", aud: "client-2" }));
    const azp = { sub: "repo:me/x", aud: ["other", "client-1"], azp: "client-2" };
    await assume(conditional, provider.token(azp));
  });

  test("a role that does not trust the provider, and one that is not there", async () => {
    await iam.createRole({
      RoleName: "closed",
      AssumeRolePolicyDocument: policy({
        Effect: "Allow",
        Principal: { AWS: arn("root") },
        Action: "sts:AssumeRole",
      }),
    });
    for (const name of ["closed", "nothing"]) {
      await assertRefused(
        assume(arn(`role/${name}`), provider.token({})),
        "AccessDenied",
        "Not authorized to perform sts:AssumeRoleWithWebIdentity",
      );
    }
  });

  test("the session's keys of the token hold for its requests", async () => {
    const byToken = await newRole("by-token", webTrust(), {
      ...allow("iam:ListUsers"),
      Condition: { StringEquals: { [`${provider.name}:sub`]: "chosen" } },
    });
    const chosen = await assume(byToken, provider.token({ sub: "chosen" }));
    await as(pairOf(chosen.Credentials)).iam.listUsers({});
    const other = await assume(byToken, provider.token({ sub: "other" }));
    await assertRefused(as(pairOf(other.Credentials)).iam.listUsers({}), "AccessDenied");
  });

  test("tags and source identity of the token need their permissions", async () => {
    const claims = {
      "https://aws.amazon.com/tags": { principal_tags: { team: ["a"] } },
      "https://aws.amazon.com/source_identity": "somebody",
    };
    await assertRefused(
      assume(role, provider.token(claims)),
      "AccessDenied",
      "Not authorized to perform sts:TagSession",
    );
    const tagged = await newRole(
      "tagged",
      webTrust({}, "sts:TagSession", "sts:SetSourceIdentity"),
      {
        ...allow("iam:ListUsers"),
        Condition: {
          StringEquals: { "aws:PrincipalTag/team": "a", "aws:SourceIdentity": "somebody" },
        },
      },
    );
    const answer = await assume(tagged, provider.token(claims));
    assert.equal(answer.SourceIdentity, "somebody");
    await as(pairOf(answer.Credentials)).iam.listUsers({});
  });

  test("a session policy narrows", async () => {
    const { Credentials } = await assume(role, provider.token({}), {
      Policy: policy(allow("s3:GetObject")),
      DurationSeconds: 900,
    });
    await assertRefused(as(pairOf(Credentials)).s3.listBuckets({}), "AccessDenied");
  });
});

describe("tokens that do not hold", () => {
  test("what is no token, and what is signed by somebody else", async () => {
    await assertRefused(
      assume(role, "no token"),
      "InvalidIdentityToken",
      "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)",
    );
    const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    await assertRefused(
      assume(role, provider.token({}, { key: privateKey })),
      "InvalidIdentityToken",
      "The signature of the provided token is not valid",
    );
    const [header = "", , signature = ""] = provider.token({}).split(".");
    const forged = Buffer.from(JSON.stringify({ iss: provider.issuer, sub: "me" }));
    await assertRefused(
      assume(role, `${header}.${forged.toString("base64url")}.${signature}`),
      "InvalidIdentityToken",
    );
  });

  test("algorithms that prove nothing", async () => {
    for (const algorithm of ["none", "HS256", "PS256", "RS384"]) {
      await assertRefused(assume(role, provider.token({}, { algorithm })), "InvalidIdentityToken");
    }
  });

  test("an expired one, one of the future, one for another client", async () => {
    const seconds = Math.floor(clock.now() / 1000);
    await assertRefused(
      assume(role, provider.token({ exp: seconds - 1 })),
      "ExpiredToken",
      `Token expired: current date/time ${seconds} must be before the expiration date/time ${seconds - 1}`,
    );
    await assertRefused(
      assume(role, provider.token({ nbf: seconds + 3000 })),
      "InvalidIdentityToken",
    );
    await assertRefused(
      assume(role, provider.token({ aud: "stranger" })),
      "InvalidIdentityToken",
      "Incorrect token audience",
    );
    await assertRefused(
      assume(role, provider.token({ sub: undefined })),
      "InvalidIdentityToken",
      "Missing a required claim: sub",
    );
  });

  test("an issuer that nobody trusts is not even asked", async () => {
    const stranger = await startIdentityProvider();
    await assertRefused(
      assume(role, stranger.token({})),
      "InvalidIdentityToken",
      `No OpenIDConnect provider found in your account for ${stranger.issuer}`,
    );
    assert.equal(stranger.keyRequests(), 0);
  });

  test("an issuer that cannot be reached", async () => {
    await iam.createOpenIDConnectProvider({
      Url: "http://127.0.0.1:9/nobody",
      ClientIDList: ["client-1"],
    });
    await assertRefused(
      assume(role, provider.token({ iss: "http://127.0.0.1:9/nobody" })),
      "IDPCommunicationError",
    );
  });

  test("keys are asked for once, and again when they were rotated", async () => {
    await assume(role, provider.token({}));
    const before = provider.keyRequests();
    await assume(role, provider.token({}));
    assert.equal(provider.keyRequests(), before);
    clock.advance(31_000);
    provider.rotate("ec");
    await assume(role, provider.token({}));
    assert.equal(provider.keyRequests(), before + 1);
    // Who invents key ids does not make the server ask each time.
    for (let attempt = 0; attempt < 3; attempt += 1) {
      await assertRefused(
        assume(role, provider.token({}, { keyId: `invented-${attempt}` })),
        "InvalidIdentityToken",
      );
    }
    assert.equal(provider.keyRequests(), before + 1);
  });
});

describe("OpenID Connect providers", () => {
  test("a provider is made, read, changed, listed and deleted", async () => {
    const { OpenIDConnectProviderArn } = await iam.createOpenIDConnectProvider({
      Url: "https://idp.example.com/realms/one",
      ClientIDList: ["a"],
      ThumbprintList: ["0123456789abcdef0123456789abcdef01234567"],
      Tags: [{ Key: "k", Value: "v" }],
    });
    const one = { OpenIDConnectProviderArn };
    assert.equal(OpenIDConnectProviderArn, arn("oidc-provider/idp.example.com/realms/one"));
    await iam.addClientIDToOpenIDConnectProvider({ ...one, ClientID: "b" });
    await iam.removeClientIDFromOpenIDConnectProvider({ ...one, ClientID: "a" });
    const ThumbprintList = ["76543210fedcba9876543210fedcba9876543210"];
    await iam.updateOpenIDConnectProviderThumbprint({ ...one, ThumbprintList });
    await iam.tagOpenIDConnectProvider({ ...one, Tags: [{ Key: "l", Value: "w" }] });
    await iam.untagOpenIDConnectProvider({ ...one, TagKeys: ["k"] });
    const read = await iam.getOpenIDConnectProvider(one);
    assert.equal(read.Url, "idp.example.com/realms/one");
    assert.deepEqual(read.ClientIDList, ["b"]);
    assert.deepEqual(read.ThumbprintList, ThumbprintList);
    assert.deepEqual(read.Tags, [{ Key: "l", Value: "w" }]);
    assert.deepEqual((await iam.listOpenIDConnectProviderTags(one)).Tags, read.Tags);
    const { OpenIDConnectProviderList = [] } = await iam.listOpenIDConnectProviders({});
    assert.ok(OpenIDConnectProviderList.some(({ Arn }) => Arn === OpenIDConnectProviderArn));
    await iam.deleteOpenIDConnectProvider(one);
    await assertRefused(iam.getOpenIDConnectProvider(one), "NoSuchEntity");
  });

  test("one that is there, and addresses that are none", async () => {
    await assertRefused(
      iam.createOpenIDConnectProvider({ Url: provider.issuer }),
      "EntityAlreadyExists",
    );
    for (const Url of ["idp.example.com", "http://idp.example.com", "https://a.b/?c=d"]) {
      await assertRefused(iam.createOpenIDConnectProvider({ Url }), "ValidationError");
    }
    const user = await newUser("without-permission");
    await assertRefused(user.iam.listOpenIDConnectProviders({}), "AccessDenied");
  });
});
