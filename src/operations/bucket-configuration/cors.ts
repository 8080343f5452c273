// Put-, Get- and DeleteBucketCors, and the preflight with which a browser asks what they allow. The
// headers on the answer to the request itself are the pipeline's (protocol/cors-headers.ts).

import { S3Error } from "../../model/errors.ts";
import type { OperationTypes } from "../../model/types.generated.ts";
import type { BucketRecord } from "../../objects/records/bucket-record.ts";
import {
  checkCorsRules,
  corsMethods,
  corsVary,
  findCorsGrant,
  formatCorsRules,
  parseCorsRules,
} from "../../objects/cors-rules.ts";
import type { ObjectStore } from "../../objects/object-store.ts";
import type { Operation } from "../operation.ts";

type Get = OperationTypes["GetBucketCors"];
type Put = OperationTypes["PutBucketCors"];
type Delete = OperationTypes["DeleteBucketCors"];
type Preflight = OperationTypes["Preflight"];

export const getBucketCors: Operation<Get["input"], Get["output"]> = async (input, { store }) => {
  const bucket = await store.buckets.get(input.Bucket);
  const rules = await store.documents.get(bucket, "cors", parseCorsRules);
  if (rules === undefined) throw new S3Error("NoSuchCORSConfiguration");
  return { CORSRules: rules };
};

export const putBucketCors: Operation<Put["input"], Put["output"]> = async (input, { store }) => {
  const { CORSRules } = input.CORSConfiguration;
  checkCorsRules(CORSRules);
  await store.documents.set(input.Bucket, "cors", formatCorsRules(CORSRules));
  return {};
};

export const deleteBucketCors: Operation<Delete["input"], Delete["output"]> = async (
  input,
  { store },
) => {
  await store.documents.set(input.Bucket, "cors", undefined);
  return {};
};

/**
 * Judges nothing but the rules: whether the object is there, and whether the caller may have it, the
 * request itself will tell. Codes, messages and fields as recorded from the service by
 * localstack/localstack (test_s3_cors.snapshot.json).
 */
export const preflight: Operation<Preflight["input"], Preflight["output"]> = async (
  input,
  { store },
) => {
  const { Origin: origin, AccessControlRequestMethod: method, Key } = input;
  if (origin === undefined) {
    throw new S3Error("BadRequest", {
      message: "Insufficient information. Origin request header needed.",
    });
  }
  const ofBucket = { Method: method ?? "OPTIONS", ResourceType: "BUCKET" };
  const bucket = await findBucket(store, input.Bucket);
  if (bucket === undefined) throw forbidden("Bucket not found", ofBucket);
  const rules = await store.documents.get(bucket, "cors", parseCorsRules);
  if (rules === undefined) throw forbidden("CORS is not enabled for this bucket.", ofBucket);
  if (method === undefined || !corsMethods.includes(method)) {
    throw new S3Error("BadRequest", {
      message: `Invalid Access-Control-Request-Method: ${method ?? "null"}`,
    });
  }
  const headers = input.AccessControlRequestHeaders;
  const grant = findCorsGrant(rules, { origin, method, headers });
  if (grant === undefined) {
    throw forbidden(
      "This CORS request is not allowed. This is usually because the evalution of Origin, request method / Access-Control-Request-Method or Access-Control-Request-Headers are not whitelisted by the resource's CORS spec.",
      { Method: method, ResourceType: Key === undefined ? "BUCKET" : "OBJECT" },
    );
  }
  return {
    AllowOrigin: grant.allowOrigin,
    AllowMethods: grant.allowMethods,
    AllowHeaders: grant.allowHeaders,
    ExposeHeaders: grant.exposeHeaders,
    AllowCredentials: grant.allowsCredentials ? "true" : undefined,
    MaxAge: grant.maxAgeSeconds,
    Vary: corsVary,
  };
};

async function findBucket(store: ObjectStore, name: string): Promise<BucketRecord | undefined> {
  try {
    return await store.buckets.get(name);
  } catch (error) {
    if (error instanceof S3Error && error.code === "NoSuchBucket") return undefined;
    throw error;
  }
}

function forbidden(message: string, fields: Readonly<Record<string, string>>): S3Error {
  return new S3Error("AccessForbidden", { message: `CORSResponse: ${message}`, fields });
}
