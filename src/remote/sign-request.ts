// Signature Version 4 of requests that this server sends to the S3 API of another one.
// https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html

import { createHash, createHmac } from "node:crypto";
import type { Clock } from "../base/clock.ts";

export interface RequestSigner {
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly clock: Clock;
}

export interface UnsignedRequest {
  readonly method: string;
  readonly host: string;
  /** Encoded as it goes over the wire. */
  readonly path: string;
  readonly query: readonly (readonly [name: string, value: string])[];
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string>>;
  /** Hexadecimal SHA-256 of the body, or `UNSIGNED-PAYLOAD`. */
  readonly payloadHash: string;
}

/** The target and the headers to send. */
export function signRequest(
  { region, accessKeyId, secretAccessKey, clock }: RequestSigner,
  { method, host, path, query, headers, payloadHash }: UnsignedRequest,
): { readonly target: string; readonly headers: Record<string, string> } {
  const timestamp = new Date(clock.now()).toISOString().replaceAll(/[-:]|\.\d+/g, "");
  const all: Record<string, string> = {
    ...headers,
    host,
    "x-amz-content-sha256": payloadHash,
    "x-amz-date": timestamp,
  };
  const names = Object.keys(all).toSorted();
  const canonicalQuery = query
    .map(([name, value]) => `${encodeSegment(name)}=${encodeSegment(value)}`)
    .toSorted()
    .join("&");
  // Headers are Latin-1 on the wire, and everything else is ASCII.
  const canonical = [
    method,
    path,
    canonicalQuery,
    ...names.map((name) => `${name}:${(all[name] ?? "").trim().replaceAll(/ +/g, " ")}`),
    "",
    names.join(";"),
    payloadHash,
  ].join("\n");
  const date = timestamp.slice(0, 8);
  const scope = `${date}/${region}/s3/aws4_request`;
  const text = `AWS4-HMAC-SHA256\n${timestamp}\n${scope}\n${sha256(Buffer.from(canonical, "latin1"))}`;
  let key: Buffer | string = `AWS4${secretAccessKey}`;
  for (const part of [date, region, "s3", "aws4_request"]) key = hmac(key, part);
  const signature = hmac(key, text).toString("hex");
  all["authorization"] =
    `AWS4-HMAC-SHA256 Credential=${accessKeyId}/${scope}, SignedHeaders=${names.join(";")}, Signature=${signature}`;
  return { target: canonicalQuery === "" ? path : `${path}?${canonicalQuery}`, headers: all };
}

/** The path of an object: every segment encoded, slashes kept. */
export function encodePath(bucketName: string, key: string | undefined): string {
  if (key === undefined) return `/${bucketName}`;
  return `/${bucketName}/${key.split("/").map(encodeSegment).join("/")}`;
}

export function sha256(bytes: string | Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

function encodeSegment(text: string): string {
  return encodeURIComponent(text).replaceAll(
    /[!'()*]/g,
    (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function hmac(key: Buffer | string, text: string): Buffer {
  return createHmac("sha256", key).update(text).digest();
}
