// The credential that comes from the configuration. Keys kept in the store are another lookup, which
// asks here first.

import { createSecretKey } from "node:crypto";
import { unknownToken } from "./authentication-errors.ts";
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
  return {
    find: (wanted, sessionToken) => {
      if (wanted !== accessKeyId) return undefined;
      if (sessionToken !== undefined) throw unknownToken(sessionToken);
      return root;
    },
  };
}
