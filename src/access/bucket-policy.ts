// The stored policy of a bucket, ready for decisions.

import { compilePolicy } from "./policy/compile-policy.ts";
import type { CompiledPolicy } from "./policy/compile-policy.ts";
import { parsePolicy } from "./policy/policy-document.ts";
import { isPublicPolicy } from "./policy/public-policy.ts";

export interface BucketPolicy {
  readonly compiled: CompiledPolicy;
  /** Whether it lets in everybody ("The meaning of public", User Guide). */
  isPublic(bucketName: string): boolean;
}

/** Throws PolicySyntaxError; what was stored has passed. */
export function compileBucketPolicy(text: string): BucketPolicy {
  const compiled = compilePolicy(parsePolicy(text, "bucket"), {
    kind: "bucket",
    name: "bucket policy",
  });
  let isPublic: boolean | undefined;
  return {
    compiled,
    isPublic: (bucketName) => (isPublic ??= isPublicPolicy(compiled, bucketName)),
  };
}
