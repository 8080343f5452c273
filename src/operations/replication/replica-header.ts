// `x-amz-holdfast-replica`: what another Holdfast says of a version that it replicates to here.

import { S3Error } from "../../model/errors.ts";
import { parseReplicaIdentity, type ReplicaIdentity } from "../../objects/replica.ts";

/** `undefined`: the request is no replication. Throws S3Error InvalidArgument. */
export function readReplica({
  Replica: text,
}: {
  readonly Replica?: string | undefined;
}): ReplicaIdentity | undefined {
  if (text === undefined) return undefined;
  const identity = parseReplicaIdentity(text);
  if (identity !== undefined) return identity;
  throw new S3Error("InvalidArgument", {
    message: "The identity of the replica cannot be read.",
    fields: { ArgumentName: "x-amz-holdfast-replica", ArgumentValue: text },
  });
}
