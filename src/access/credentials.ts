// The credentials that come from the configuration. Keys kept in the store are another lookup.

import { createSecretKey } from "node:crypto";
import type { IdentifiedCaller } from "./caller.ts";
import type { Credential, CredentialLookup } from "./signed-request.ts";

/** A lookup that knows one access key: the one that the server was started with. */
export function rootCredentials(
  accessKeyId: string,
  secret: string,
  caller: IdentifiedCaller,
): CredentialLookup {
  const root: Credential = {
    accessKeyId,
    secretKey: createSecretKey(secret, "utf8"),
    caller,
  };
  return { find: (wanted) => (wanted === accessKeyId ? root : undefined) };
}
