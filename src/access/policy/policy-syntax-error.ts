// What a policy document that breaks the rules throws.

/** Its message is AWS's text; who called turns it into MalformedPolicy or MalformedPolicyDocument. */
export class PolicySyntaxError extends Error {
  override readonly name = "PolicySyntaxError";
}
