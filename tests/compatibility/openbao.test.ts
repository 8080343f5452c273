// The key provider on a real OpenBao or HashiCorp Vault: VAULT_ADDR and VAULT_TOKEN name one whose token
// may do everything (`bao server -dev`). It gets a transit engine, an AppRole and a few keys.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { describe } from "node:test";
import { testVault } from "../kms/vault-suite.ts";

const endpoint = process.env["VAULT_ADDR"];
const rootToken = process.env["VAULT_TOKEN"];
assert.ok(endpoint && rootToken, "VAULT_ADDR and VAULT_TOKEN say which server to use");

async function call(
  method: string,
  path: string,
  body?: Record<string, unknown>,
): Promise<Record<string, unknown>> {
  const response = await fetch(`${endpoint}/v1/${path}`, {
    method,
    headers: { "X-Vault-Token": rootToken as string },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return text === "" ? {} : (JSON.parse(text) as { data: Record<string, unknown> }).data;
}

// Each may be there already.
await call("POST", "sys/mounts/transit", { type: "transit" });
await call("POST", "sys/auth/approle", { type: "approle" });
const policy = 'path "transit/*" { capabilities = ["create", "read", "update"] }';
await call("POST", "sys/policies/acl/holdfast", { policy });
await call("POST", "auth/approle/role/holdfast", { token_policies: "holdfast" });
const { role_id: roleId } = await call("GET", "auth/approle/role/holdfast/role-id");
const { secret_id: secretId } = await call("POST", "auth/approle/role/holdfast/secret-id", {});

describe("the key provider on a real Vault", () => {
  const role = { roleId: String(roleId), secretId: String(secretId) };
  testVault({ endpoint, rootToken, role }, randomBytes(4).toString("hex"));
});
