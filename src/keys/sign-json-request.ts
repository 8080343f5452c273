// Requests of AWS's JSON and query protocols, signed with Signature Version 4.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html

import { createHash, createHmac } from "node:crypto";
import type { Clock } from "../base/clock.ts";

export interface AwsCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

export interface JsonRequestSigner {
  /** `https://kms.eu-central-1.amazonaws.com`. */
  readonly endpoint: string;
  readonly region: string;
  /** As the credential scope names it: `kms`. */
  readonly service: string;
  readonly credentials: AwsCredentials;
  readonly clock: Clock;
  /** Default: that of JSON 1.1. */
  readonly contentType?: string;
}

export interface SignedJsonRequest {
  readonly url: string;
  readonly method: "POST";
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** `target`: `TrentService.Decrypt`; the query protocol has none. */
export function signJsonRequest(
  { endpoint, region, service, credentials, clock, contentType }: JsonRequestSigner,
  target: string | undefined,
  body: string,
): SignedJsonRequest {
  const url = new URL("/", endpoint);
  const timestamp = new Date(clock.now()).toISOString().replaceAll(/[-:]|\.\d+/g, "");
  const headers: Record<string, string> = {
    "content-type": contentType ?? "application/x-amz-json-1.1",
    host: url.host,
    "x-amz-date": timestamp,
    ...(credentials.sessionToken === undefined
      ? {}
      : { "x-amz-security-token": credentials.sessionToken }),
    ...(target === undefined ? {} : { "x-amz-target": target }),
  };
  const names = Object.keys(headers).toSorted();
  const canonical = [
    "POST",
    "/",
    "",
    ...names.map((name) => `${name}:${headers[name]}`),
    "",
    names.join(";"),
    sha256(body),
  ].join("\n");
  const date = timestamp.slice(0, 8);
  const scope = `${date}/${region}/${service}/aws4_request`;
  const text = `AWS4-HMAC-SHA256\n${timestamp}\n${scope}\n${sha256(canonical)}`;
  let key: Buffer | string = `AWS4${credentials.secretAccessKey}`;
  for (const part of [date, region, service, "aws4_request"]) key = hmac(key, part);
  const signature = hmac(key, text).toString("hex");
  const credential = `${credentials.accessKeyId}/${scope}`;
  headers["authorization"] =
    `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=${names.join(";")}, Signature=${signature}`;
  return { url: url.href, method: "POST", headers, body };
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

function hmac(key: Buffer | string, text: string): Buffer {
  return createHmac("sha256", key).update(text).digest();
}
