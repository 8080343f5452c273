// Whom a simulation takes for the caller, by the ARN that it is given.

import type { PolicyPrincipal } from "../../access/policy/evaluate.ts";

/** `arn:aws:iam::123456789012:user/Anna` or a plain account id. */
export function parseArnAccount(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  if (/^\d{12}$/.test(text)) return text;
  return /^arn:aws:[a-z0-9-]+:[a-z0-9-]*:(\d{12}):/.exec(text)?.[1];
}

export function simulatedPrincipal(arn: string | undefined, accountId: string): PolicyPrincipal {
  return {
    accountId,
    arn: arn ?? `arn:aws:iam::${accountId}:root`,
    canonicalId: "",
    userId: "",
    kind: arn?.includes(":assumed-role/") === true ? "role-session" : "user",
  };
}
