// The condition keys of a request for a KMS key. After "Actions, resources, and condition keys for AWS
// Key Management Service" (Service Authorization Reference).

import type { PolicyContext } from "./policy/policy-context.ts";
import { contextOf, type RequestFacts } from "./request-context.ts";

export interface KeyRequestFacts {
  readonly accountId: string;
  readonly tags?: readonly (readonly [key: string, value: string])[];
  readonly encryptionContext?: Readonly<Record<string, string>>;
  /** How the request named the key, where it was by an alias. */
  readonly alias?: string;
  /** The service that uses the key for the caller: `s3.eu-central-1.amazonaws.com`. */
  readonly viaService?: string;
}

const contextPrefix = "kms:encryptioncontext:";

export function keyContextOf(facts: RequestFacts, key: KeyRequestFacts): PolicyContext {
  const general = contextOf(facts, { ownerAccountId: key.accountId, bucketTags: key.tags });
  return {
    get(name) {
      if (!name.startsWith("kms:")) return general.get(name);
      const value = find(name, facts, key);
      return typeof value === "string" ? [value] : value;
    },
  };
}

function find(
  name: string,
  { caller }: RequestFacts,
  { encryptionContext = {}, alias, viaService }: KeyRequestFacts,
): string | readonly string[] | undefined {
  switch (name) {
    case "kms:calleraccount":
      return caller.kind === "identified" ? caller.accountId : undefined;
    case "kms:viaservice":
      return viaService;
    case "kms:keyspec":
      return "SYMMETRIC_DEFAULT";
    case "kms:keyusage":
      return "ENCRYPT_DECRYPT";
    case "kms:keyorigin":
      return "AWS_KMS";
    case "kms:requestalias":
      return alias;
    case "kms:encryptioncontextkeys": {
      const names = Object.keys(encryptionContext);
      return names.length === 0 ? undefined : names;
    }
    default: {
      if (!name.startsWith(contextPrefix)) return undefined;
      const wanted = name.slice(contextPrefix.length);
      return Object.entries(encryptionContext).find(([each]) => each.toLowerCase() === wanted)?.[1];
    }
  }
}
