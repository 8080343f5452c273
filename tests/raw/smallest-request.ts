// The smallest request that an operation's row in the table describes.

import type { OperationDefinition } from "../../src/model/operation-table.ts";

/** The smallest request of an operation: its path, literal query keys and required members. */
export function smallestRequest(
  operation: OperationDefinition,
  bucket = "bucket",
): { target: string; headers: string[] } {
  const paths = { service: "/", bucket: `/${bucket}`, object: `/${bucket}/a/key` };
  const pairs = operation.query.map(({ name, value }) =>
    value === "" ? name : `${name}=${value}`,
  );
  const headers: string[] = [];
  for (const member of operation.input) {
    if (member.required !== true) continue;
    if (member.in === "query") pairs.push(`${member.wire}=1`);
    if (member.in === "header") headers.push(member.wire.toLowerCase());
  }
  // The one operation without any distinction in the table: S3 tells it apart by the host.
  if (operation.name === "ListDirectoryBuckets") pairs.push("max-directory-buckets=10");
  const path =
    operation.path?.replace(/\{\w+\}$/, `arn:aws:s3:::${bucket}`) ?? paths[operation.level];
  return { target: pairs.length === 0 ? path : `${path}?${pairs.join("&")}`, headers };
}
