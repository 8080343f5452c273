// What the answer to a page of another origin carries, good or bad, so that its script may read it. The
// rules are those from before the request: the answer to a bucket's deletion has them too.

import { S3Error } from "../model/errors.ts";
import { corsVary, findCorsGrant, parseCorsRules } from "../objects/cors-rules.ts";
import type { CorsGrant } from "../objects/cors-rules.ts";
import type { ObjectStore } from "../objects/object-store.ts";
import { headerSafe } from "./encode-output.ts";

interface AskingRequest {
  readonly method: string;
  readonly headers: { get(name: string): string | undefined };
}

/**
 * Name, value, name, value …; empty when no rule fits. Access-Control-Request-Method and -Headers count
 * here as in a preflight (as ceph/s3-tests and localstack/localstack recorded it).
 */
export async function findCorsHeaders(
  request: AskingRequest,
  origin: string,
  bucketName: string,
  store: ObjectStore,
): Promise<readonly string[]> {
  const rules = await findRules(bucketName, store);
  if (rules === undefined) return [];
  const grant = findCorsGrant(rules, {
    origin,
    method: request.headers.get("access-control-request-method") ?? request.method,
    headers: request.headers.get("access-control-request-headers"),
  });
  return grant === undefined ? [] : headersOf(grant);
}

async function findRules(
  bucketName: string,
  store: ObjectStore,
): Promise<ReturnType<typeof parseCorsRules> | undefined> {
  try {
    const bucket = await store.buckets.get(bucketName);
    return await store.documents.get(bucket, "cors", parseCorsRules);
  } catch (error) {
    if (error instanceof S3Error && error.code === "NoSuchBucket") return undefined;
    throw error;
  }
}

function headersOf(grant: CorsGrant): readonly string[] {
  const { allowHeaders, exposeHeaders, maxAgeSeconds } = grant;
  const headers = ["Access-Control-Allow-Origin", headerSafe(grant.allowOrigin)];
  headers.push("Access-Control-Allow-Methods", grant.allowMethods);
  if (allowHeaders !== undefined) {
    headers.push("Access-Control-Allow-Headers", headerSafe(allowHeaders));
  }
  if (exposeHeaders !== undefined) {
    headers.push("Access-Control-Expose-Headers", headerSafe(exposeHeaders));
  }
  if (maxAgeSeconds !== undefined) headers.push("Access-Control-Max-Age", String(maxAgeSeconds));
  if (grant.allowsCredentials) headers.push("Access-Control-Allow-Credentials", "true");
  headers.push("Vary", corsVary);
  return headers;
}
