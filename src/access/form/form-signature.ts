// The signature inside a browser's form: it covers the policy and nothing else, so that everything that
// counts must be in the policy.

import { createHmac } from "node:crypto";
import { S3Error } from "../../model/errors.ts";
import { signatureMismatch, unknownAccessKey } from "../authentication-errors.ts";
import type { Caller } from "../caller.ts";
import { parseBasicTime } from "../request-time.ts";
import type { Credential, CredentialLookup } from "../signed-request.ts";
import { signaturesEqual, signingKey, signText } from "../signing-keys.ts";

/** By lower-case name. */
export type FormFields = ReadonlyMap<string, string>;

export interface SignedForm {
  readonly caller: Caller;
  readonly signatureVersion: "v2" | "v4" | undefined;
}

/** Throws S3Error; a form without policy and signature is anonymous. */
export async function authenticateForm(
  fields: FormFields,
  options: { readonly credentials: CredentialLookup; readonly region: string },
): Promise<SignedForm> {
  const isV4 = fields.has("x-amz-signature") || fields.has("x-amz-credential");
  const isV2 = fields.has("signature") || fields.has("awsaccesskeyid");
  if (!fields.has("policy") && !isV4 && !isV2) {
    return { caller: { kind: "anonymous" }, signatureVersion: undefined };
  }
  const policy = requireField(fields, "policy");
  return isV4 ? verifyV4(fields, policy, options) : verifyV2(fields, policy, options);
}

async function verifyV4(
  fields: FormFields,
  policy: string,
  options: { readonly credentials: CredentialLookup; readonly region: string },
): Promise<SignedForm> {
  const algorithm = requireField(fields, "X-Amz-Algorithm");
  if (algorithm !== "AWS4-HMAC-SHA256") {
    throw invalidField("X-Amz-Algorithm", algorithm, "Only AWS4-HMAC-SHA256 is supported");
  }
  const credentialText = requireField(fields, "X-Amz-Credential");
  const [accessKeyId = "", dateText = "", region, service, terminal, ...more] =
    credentialText.split("/");
  const isScope =
    /^\d{8}$/.test(dateText) && service === "s3" && terminal === "aws4_request" && !more.length;
  if (!isScope || accessKeyId === "" || region !== options.region) {
    const problem =
      isScope && accessKeyId !== ""
        ? `the region '${region ?? ""}' is wrong; expecting '${options.region}'`
        : 'the Credential is mal-formed; expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".';
    throw invalidField(
      "X-Amz-Credential",
      credentialText,
      `Error parsing the X-Amz-Credential parameter; ${problem}`,
    );
  }
  const date = requireField(fields, "X-Amz-Date");
  if (parseBasicTime(date) === undefined || !date.startsWith(dateText)) {
    throw invalidField(
      "X-Amz-Date",
      date,
      `X-Amz-Date must be in the ISO8601 Long Format "yyyyMMdd'T'HHmmss'Z'"`,
    );
  }
  const signature = requireField(fields, "X-Amz-Signature");
  const credential = await findCredential(fields, accessKeyId, options.credentials);
  const key = signingKey(credential.secretKey, dateText, region, service);
  if (!signaturesEqual(signText(key, policy), signature)) {
    throw signatureMismatch({ accessKeyId, stringToSign: policy, signature });
  }
  credential.onUse?.("s3", region);
  return { caller: credential.caller, signatureVersion: "v4" };
}

async function verifyV2(
  fields: FormFields,
  policy: string,
  options: { readonly credentials: CredentialLookup; readonly region: string },
): Promise<SignedForm> {
  const accessKeyId = requireField(fields, "AWSAccessKeyId");
  const signature = requireField(fields, "signature");
  const credential = await findCredential(fields, accessKeyId, options.credentials);
  const computed = createHmac("sha1", credential.secretKey).update(policy, "utf8").digest("base64");
  if (!signaturesEqual(computed, signature)) {
    throw signatureMismatch({ accessKeyId, stringToSign: policy, signature });
  }
  credential.onUse?.("s3", options.region);
  return { caller: credential.caller, signatureVersion: "v2" };
}

async function findCredential(
  fields: FormFields,
  accessKeyId: string,
  credentials: CredentialLookup,
): Promise<Credential> {
  const token = fields.get("x-amz-security-token");
  const credential = await credentials.find(accessKeyId, token || undefined);
  if (credential === undefined) throw unknownAccessKey(accessKeyId);
  return credential;
}

/** The value of a field that a form must have. Throws S3Error InvalidArgument, in S3's own words. */
export function requireField(fields: FormFields, name: string): string {
  const value = fields.get(name.toLowerCase());
  if (value !== undefined) return value;
  throw invalidField(
    name,
    "",
    `Bucket POST must contain a field named '${name}'.  If it is specified, please check the order of the fields.`,
  );
}

function invalidField(name: string, value: string, message: string): S3Error {
  return new S3Error("InvalidArgument", {
    message,
    fields: { ArgumentName: name, ArgumentValue: value },
  });
}
