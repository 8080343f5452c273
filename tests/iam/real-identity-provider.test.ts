// AssumeRoleWithWebIdentity with tokens of a certified OpenID Connect provider (oidc-provider), through
// its own discovery, key set and token endpoint.

import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { after, test } from "node:test";
import { Provider, type Configuration } from "oidc-provider";
import { allow, assertRefused, pairOf, policy, startIamServer } from "./iam-server.ts";

const { iam, sts, as, arn } = await startIamServer();

const audience = "https://storage.example";

async function listen(handler: Server): Promise<number> {
  await new Promise<void>((resolve) => handler.listen(0, "127.0.0.1", resolve));
  return (handler.address() as AddressInfo).port;
}

/** A provider whose client gets signed access tokens for `audience` by its own secret. */
async function startProvider(algorithm: "PS256" | "ES384") {
  const handler = createServer((request, response) => callback(request, response));
  after(() => handler.close());
  const issuer = `http://127.0.0.1:${await listen(handler)}`;
  const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;
  const ec = generateKeyPairSync("ec", { namedCurve: "P-384" }).privateKey;
  const keys = [rsa, ec].map((key) => ({ ...key.export({ format: "jwk" }), use: "sig" }));
  const configuration: Configuration = {
    jwks: { keys },
    enabledJWA: { idTokenSigningAlgValues: ["RS256", "PS256", "ES384"] },
    clients: [
      {
        client_id: "workload",
        client_secret: "a secret of the workload",
        grant_types: ["client_credentials"],
        redirect_uris: [],
        response_types: [],
      },
    ],
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: () => ({
          scope: "storage",
          audience,
          accessTokenFormat: "jwt",
          jwt: { sign: { alg: algorithm } },
        }),
      },
    },
  };
  const provider = new Provider(issuer, configuration);
  const callback = provider.callback();
  const token = async (): Promise<string> => {
    const answer = await fetch(`${issuer}/token`, {
      method: "POST",
      headers: {
        authorization: `Basic ${Buffer.from("workload:a+secret+of+the+workload").toString("base64")}`,
      },
      body: new URLSearchParams({
        grant_type: "client_credentials",
        resource: audience,
        scope: "storage",
      }),
    });
    const body = (await answer.json()) as { access_token?: string };
    assert.ok(body.access_token !== undefined, JSON.stringify(body));
    return body.access_token;
  };
  return { issuer, name: issuer.slice("http://".length), token };
}

for (const algorithm of ["PS256", "ES384"] as const) {
  test(`a workload's token, signed with ${algorithm}, gives the role to its subject alone`, async () => {
    const { issuer, name, token } = await startProvider(algorithm);
    const { OpenIDConnectProviderArn } = await iam.createOpenIDConnectProvider({
      Url: issuer,
      ClientIDList: [audience],
    });
    const newRole = async (RoleName: string, subject: string): Promise<string> => {
      await iam.createRole({
        RoleName,
        AssumeRolePolicyDocument: policy({
          Effect: "Allow",
          Principal: { Federated: OpenIDConnectProviderArn },
          Action: "sts:AssumeRoleWithWebIdentity",
          Condition: { StringEquals: { [`${name}:sub`]: subject, [`${name}:aud`]: audience } },
        }),
      });
      const PolicyDocument = policy(allow("s3:ListAllMyBuckets"));
      await iam.putRolePolicy({ RoleName, PolicyName: "inline", PolicyDocument });
      return arn(`role/${RoleName}`);
    };
    const own = await newRole(`own-${algorithm}`, "workload");
    const others = await newRole(`others-${algorithm}`, "somebody-else");
    const assume = async (RoleArn: string) =>
      sts.assumeRoleWithWebIdentity({
        RoleArn,
        RoleSessionName: "session",
        WebIdentityToken: await token(),
      });
    const answer = await assume(own);
    assert.equal(answer.SubjectFromWebIdentityToken, "workload");
    await as(pairOf(answer.Credentials)).s3.listBuckets({});
    await assertRefused(assume(others), "AccessDenied");
  });
}
