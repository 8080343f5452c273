// How large documents may be. Those of IAM count without white space, and are not a matter of syntax:
// whoever stores a document answers LimitExceeded.

/** "Bucket policies are limited to 20 KB in size." */
export const bucketPolicyBytes = 20 * 1024;

/** "Resource quotas", AWS KMS Developer Guide. */
export const keyPolicyBytes = 32 * 1024;

/** The longest value that IAM's and STS's parameters for documents take. */
export const policyDocumentCharacters = 131_072;

/** "IAM and AWS STS quotas": managed policies each, inline policies of one entity together. */
export const iamPolicyCharacters = {
  managed: 6144,
  inline: { user: 2048, group: 5120, role: 10_240 },
  /** IAM's default is 2,048 and can be raised to this. */
  trust: 4096,
} as const;

/** A session policy as it is handed over, white space included. */
export const sessionPolicyCharacters = 2048;

/** "IAM does not count white space when calculating the size of a policy against these quotas." */
export function countPolicyCharacters(text: string): number {
  return text.replaceAll(/\s+/g, "").length;
}
