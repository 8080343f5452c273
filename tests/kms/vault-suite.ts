// What holds of the key provider on any Vault: run on the server of these tests, and on a real OpenBao.

import assert from "node:assert/strict";
import { test } from "node:test";
import { systemClock } from "../../src/base/clock.ts";
import { KeySealError } from "../../src/keys/sealer.ts";
import { VaultClient, type VaultLogin } from "../../src/keys/vault-client.ts";
import { VaultKeyProvider } from "../../src/keys/vault-key-provider.ts";
import { S3Error } from "../../src/model/errors.ts";

export interface OpenVault {
  readonly endpoint: string;
  readonly rootToken: string;
  /** A role that may do everything with the transit engine. */
  readonly role: { readonly roleId: string; readonly secretId: string };
}

export const place = { region: "eu-central-1", accountId: "111122223333" };
export const accountId = place.accountId;
const encryptionContext = { "aws:s3:arn": "arn:aws:s3:::bucket/key" };
const arnOf = (name: string) => `arn:aws:kms:eu-central-1:111122223333:key/${name}`;

export function vaultProvider(
  endpoint: string,
  login: VaultLogin,
  options: { readonly tries?: number; readonly timeoutMilliseconds?: number } = {},
): VaultKeyProvider {
  const bounds = { tries: 2, timeoutMilliseconds: 5000, ...options };
  const client = new VaultClient({
    endpoint,
    namespace: undefined,
    login,
    clock: systemClock,
    bounds,
  });
  return new VaultKeyProvider({ client, mount: "transit", place, defaultKey: "holdfast-default" });
}

export function tokenLogin(token: string): VaultLogin {
  return { kind: "token", read: async () => token };
}

export async function refusalOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    assert.ok(error instanceof S3Error, String(error));
    return `${error.status} ${error.code}: ${error.message}`;
  }
  return assert.fail("was not refused");
}

/** Names of keys hold `mark`, so that the suite can run again on one server. */
export function testVault(vault: OpenVault, mark: string): void {
  const { endpoint, rootToken, role } = vault;
  const provider = vaultProvider(endpoint, tokenLogin(rootToken));
  const name = `key-${mark}`;
  const query = { keyId: name, accountId };

  async function manage(path: string, body: Record<string, unknown> = {}): Promise<void> {
    const response = await fetch(`${endpoint}/v1/${path}`, {
      method: "POST",
      headers: { "X-Vault-Token": rootToken },
      body: JSON.stringify(body),
    });
    assert.ok(response.ok, await response.text());
  }

  test("wraps a data key and opens it again, bound to its context", async () => {
    await manage(`transit/keys/${name}`, { type: "aes256-gcm96" });
    const made = await provider.generateDataKey({ ...query, encryptionContext });
    assert.equal(made.keyArn, arnOf(name));
    assert.equal(made.plaintext.byteLength, 32);
    assert.match(made.wrapped, /^vault:v1:[\x21-\x7e]+$/);
    assert.ok(!made.wrapped.includes(Buffer.from(made.plaintext).toString("base64")));
    const { wrapped, keyArn } = made;
    const opened = await provider.decrypt({ wrapped, keyArn, encryptionContext });
    assert.deepEqual(Buffer.from(opened), made.plaintext);
    await assert.rejects(
      provider.decrypt({ wrapped, keyArn, encryptionContext: {} }),
      KeySealError,
    );
    const damages = [
      wrapped.slice(0, -8),
      wrapped.replace(/^vault:v1:..../, "vault:v1:AAAA"),
      wrapped.replace(/^[^|]*/, "vault:v1:AAAA"),
      wrapped.replace("|", ""),
    ];
    for (const damaged of damages) {
      const request = { wrapped: damaged, keyArn, encryptionContext };
      await assert.rejects(provider.decrypt(request), KeySealError, damaged);
    }
  });

  test("takes the names of keys that S3 takes", async () => {
    const alias = `alias/${name}`;
    for (const keyId of [name, arnOf(name), alias, arnOf(name).replace("key/", "alias/")]) {
      const described = await provider.describe({ keyId, accountId });
      assert.deepEqual(
        [described.keyArn, described.keyId, described.accountId, described.isAwsManaged],
        [arnOf(name), name, accountId, false],
      );
    }
    const other = "444455556666";
    const foreign = { keyId: name, accountId: other };
    assert.match(await refusalOf(provider.describe(foreign)), /^400 KMS\.NotFoundException/);
    const byArn = await provider.describe({ keyId: arnOf(name), accountId: other });
    assert.equal(byArn.keyArn, arnOf(name));
  });

  test("refuses in S3's words what is not there or cannot be used", async () => {
    const absent = { keyId: `none-${mark}`, accountId };
    const notFound = `400 KMS.NotFoundException: Invalid keyId 'none-${mark}'`;
    assert.equal(await refusalOf(provider.describe(absent)), notFound);
    assert.equal(
      await refusalOf(provider.generateDataKey({ ...absent, encryptionContext })),
      notFound,
    );
    for (const keyId of ["a/b", "../sys/seal", "a b", "%2e%2e", "."]) {
      assert.match(
        await refusalOf(provider.describe({ keyId, accountId })),
        /^400 KMS\.NotFoundException: Invalid keyId/,
      );
    }
    const signer = { keyId: `signer-${mark}`, accountId };
    await manage(`transit/keys/${signer.keyId}`, { type: "ed25519" });
    const unusable = `400 KMS.InvalidKeyUsageException: ${arnOf(signer.keyId)} cannot be used for this.`;
    assert.equal(await refusalOf(provider.describe(signer)), unusable);
    assert.equal(
      await refusalOf(provider.generateDataKey({ ...signer, encryptionContext })),
      unusable,
    );
  });

  test("makes the default key on first use", async () => {
    const request = { keyId: undefined, accountId, encryptionContext };
    const made = await provider.generateDataKey(request);
    assert.equal(made.keyArn, arnOf("holdfast-default"));
    assert.equal((await provider.describe(request)).keyArn, made.keyArn);
    const named = await provider.describe({ keyId: "alias/aws/s3", accountId });
    assert.equal(named.keyArn, made.keyArn);
  });

  test("opens what earlier versions have wrapped, until they are put out of use", async () => {
    const before = await provider.generateDataKey({ ...query, encryptionContext });
    await manage(`transit/keys/${name}/rotate`);
    const after = await provider.generateDataKey({ ...query, encryptionContext });
    assert.match(after.wrapped, /^vault:v2:/);
    for (const made of [before, after]) {
      const opened = await provider.decrypt({ ...made, encryptionContext });
      assert.deepEqual(Buffer.from(opened), made.plaintext);
    }
    await manage(`transit/keys/${name}/config`, { min_decryption_version: 2 });
    assert.match(
      await refusalOf(provider.decrypt({ ...before, encryptionContext })),
      /^400 KMS\.KMSInvalidStateException/,
    );
    await provider.decrypt({ ...after, encryptionContext });
  });

  test("logs in by AppRole", async () => {
    const readSecretId = async () => `${role.secretId}\n`;
    const login = {
      kind: "app-role",
      mount: "approle",
      roleId: role.roleId,
      readSecretId,
    } as const;
    const made = await vaultProvider(endpoint, login).generateDataKey({
      ...query,
      encryptionContext,
    });
    assert.equal(made.keyArn, arnOf(name));
    const wrong = vaultProvider(endpoint, { ...login, readSecretId: async () => "wrong-secret" });
    assert.match(await refusalOf(wrong.describe(query)), /^503 ServiceUnavailable/);
  });

  test("is denied with a token that is not good", async () => {
    const denied = vaultProvider(endpoint, tokenLogin("hvs.nobody"));
    const refused = await refusalOf(denied.describe(query));
    assert.match(
      refused,
      /^403 AccessDenied: The key provider does not let this server use the key/,
    );
    assert.ok(!refused.includes("hvs."));
  });
}
