// The key provider on HashiCorp Vault and OpenBao, against a small server with their wire; and a whole
// Holdfast whose SSE-KMS keys are there.

import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { ManualClock } from "../../src/base/clock.ts";
import { VaultClient, type VaultLogin } from "../../src/keys/vault-client.ts";
import { assertRefused, startTestServer } from "../s3/test-server.ts";
import { VaultServer } from "./vault-server.ts";
import { accountId, refusalOf, testVault, tokenLogin, vaultProvider } from "./vault-suite.ts";

const vault = await VaultServer.start();
after(() => vault[Symbol.asyncDispose]());
vault.roles.set("role", "secret-id");
const { endpoint, rootToken } = vault;
const query = { keyId: "shared", accountId };
const readSecretId = async (): Promise<string> => "secret-id";

describe("the key provider on a Vault", () => {
  testVault({ endpoint, rootToken, role: { roleId: "role", secretId: "secret-id" } }, "suite");

  test("tries again when the connection breaks or the server cannot answer now", async () => {
    const provider = vaultProvider(endpoint, tokenLogin(rootToken));
    vault.cuts = 1;
    await provider.describe({ keyId: undefined, accountId });
    vault.cuts = 2;
    assert.match(
      await refusalOf(provider.describe(query)),
      /^503 ServiceUnavailable: Please reduce your request rate\.$/,
    );
    assert.equal(vault.cuts, 0);
    vault.failure = { status: 503, body: { errors: ["Vault is sealed"] } };
    const before = vault.requests.length;
    assert.match(await refusalOf(provider.describe(query)), /^503 ServiceUnavailable/);
    assert.equal(vault.requests.length - before, 2, "two tries");
    vault.failure = undefined;
  });

  test("gives up in time, and at once when nobody waits any more", async () => {
    const login = tokenLogin(rootToken);
    // Takes connections, and never answers.
    const { createServer } = await import("node:net");
    const silent = createServer(() => {});
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
    const address = silent.address() as { port: number };
    const silentEndpoint = `http://127.0.0.1:${address.port}`;
    const provider = vaultProvider(silentEndpoint, login, { tries: 2, timeoutMilliseconds: 100 });
    const began = performance.now();
    assert.match(await refusalOf(provider.describe(query)), /^503 ServiceUnavailable/);
    assert.ok(performance.now() - began < 5000);
    const patient = vaultProvider(silentEndpoint, login, { timeoutMilliseconds: 60_000 });
    const signal = AbortSignal.timeout(50);
    await assert.rejects(patient.describe({ ...query, signal }), { name: "TimeoutError" });
    silent.close();
  });

  test("reads the token again when it is refused, and logs in again before it expires", async () => {
    let token = "hvs.old";
    const provider = vaultProvider(endpoint, { kind: "token", read: async () => token });
    assert.match(await refusalOf(provider.describe(query)), /^403 AccessDenied/);
    token = rootToken;
    await provider.describe({ keyId: undefined, accountId });
    const login = { kind: "app-role", mount: "approle", roleId: "role", readSecretId } as const;
    const byRole = vaultProvider(endpoint, login);
    const logins = () => vault.requests.filter((line) => line.endsWith("/login")).length;
    const before = logins();
    const any = { keyId: undefined, accountId };
    await Promise.all([1, 2, 3].map(() => byRole.describe(any)));
    await byRole.describe(any);
    assert.equal(logins() - before, 1);
    for (const each of vault.tokens) if (each !== rootToken) vault.tokens.delete(each);
    await byRole.describe(any);
    assert.equal(logins() - before, 2, "the token was revoked");
    vault.leaseSeconds = 0.001;
    for (const each of vault.tokens) if (each !== rootToken) vault.tokens.delete(each);
    await byRole.describe(any);
    await new Promise((resolve) => setTimeout(resolve, 5));
    await byRole.describe(any);
    assert.equal(logins() - before, 4, "the token was about to expire");
    vault.leaseSeconds = 3600;
  });

  test("prolongs a token before it expires, and logs in where it cannot live longer", async () => {
    const clock = new ManualClock(Date.now());
    const bounds = { tries: 1, timeoutMilliseconds: 5000 };
    const newClient = (login: VaultLogin) =>
      new VaultClient({ endpoint, namespace: undefined, login, clock, bounds });
    const count = (path: string) => vault.requests.filter((line) => line.endsWith(path)).length;
    const given = newClient({ kind: "token", read: async () => rootToken });
    vault.tokenSeconds = 3600;
    try {
      const before = count("/renew-self");
      await given.keepToken();
      clock.advance(2300_000);
      await given.keepToken();
      assert.equal(count("/renew-self") - before, 0, "two thirds of an hour are not over");
      clock.advance(200_000);
      await given.keepToken();
      await given.call("GET", "transit/keys/none", undefined);
      assert.equal(count("/renew-self") - before, 1);
      clock.advance(2500_000);
      await given.keepToken();
      assert.equal(count("/renew-self") - before, 2, "it lives on and on");

      const byRole = newClient({
        kind: "app-role",
        mount: "approle",
        roleId: "role",
        readSecretId,
      });
      await byRole.keepToken();
      const logins = count("/login");
      clock.advance(2500_000);
      await byRole.keepToken();
      assert.equal(count("/renew-self") - before, 3);
      assert.equal(count("/login"), logins);
      // What is left of the longest life that the role allows.
      vault.leaseSeconds = 600;
      clock.advance(2500_000);
      await byRole.keepToken();
      assert.equal(count("/renew-self") - before, 4);
      assert.equal(count("/login"), logins + 1);
    } finally {
      vault.tokenSeconds = 0;
      vault.leaseSeconds = 3600;
    }
  });
});

describe("SSE-KMS on a Vault", async () => {
  const { s3, newBucket } = await startTestServer({
    region: "eu-central-1",
    kms: {
      kind: "vault",
      endpoint,
      mount: "transit",
      namespace: "team",
      login: { kind: "token", token: { text: rootToken } },
    },
  });
  const encryption = { ServerSideEncryption: "aws:kms" } as const;

  test("stores and reads objects, asking the Vault once for what is read often", async () => {
    const Bucket = await newBucket();
    const put = await s3.putObject({ Bucket, Key: "a", Body: "text", ...encryption });
    assert.match(put.SSEKMSKeyId ?? "", /^arn:aws:kms:eu-central-1:\d{12}:key\/holdfast-default$/);
    const decrypts = () => vault.requests.filter((line) => line.includes("/decrypt/")).length;
    const before = decrypts();
    for (const _time of [1, 2, 3]) {
      const read = await s3.getObject({ Bucket, Key: "a" });
      assert.equal(await read.Body?.transformToString(), "text");
    }
    assert.equal(decrypts() - before, 1);
    assert.ok(vault.namespaces.has("team"));
  });

  test("refuses keys that are not there", async () => {
    const Bucket = await newBucket();
    await assertRefused(
      s3.putObject({ Bucket, Key: "a", Body: "b", ...encryption, SSEKMSKeyId: "none" }),
      { code: "KMS.NotFoundException", status: 400, message: "Invalid keyId 'none'" },
    );
  });
});
