// The policies on the side of a caller, compiled.

import type { CompiledPolicy } from "./policy/compile-policy.ts";

export interface IdentityPolicies {
  /** Of the user and its groups, or of the role: what may be done. */
  readonly identity: readonly CompiledPolicy[];
  /** The permissions boundary: nothing outside it may be done. */
  readonly boundary: CompiledPolicy | undefined;
  /** Session policies, the policy of a service account: each entry narrows what is left. */
  readonly narrowing: readonly (readonly CompiledPolicy[])[];
}
