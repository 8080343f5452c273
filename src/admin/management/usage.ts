// How answers show what buckets hold.

import type { CountedUsage } from "../../objects/quotas.ts";
import type { JsonObject } from "../json/json-api.ts";

export function describeUsage({ objects, bytes, uploadBytes }: CountedUsage): JsonObject {
  return { Objects: objects, Bytes: bytes, UploadBytes: uploadBytes };
}
