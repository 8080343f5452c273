// Puts the worker `replication` together: with the roles that it acts as, and the destinations that it
// knows.

import { LocalDestination } from "../background/replication/local-destination.ts";
import { ReplicationRefusedError } from "../background/replication/failure.ts";
import { ReplicationWorker } from "../background/replication/replication-worker.ts";
import type { Workers } from "../background/workers.ts";
import type { IdentityStore } from "../access/identities/identity-store.ts";
import type { ObjectStore } from "../objects/object-store.ts";
import { bucketNameOfArn } from "../objects/replication-configuration.ts";
import type { ContextDependencies } from "../protocol/operation-context.ts";
import { createReplicationRoles } from "./replication-roles.ts";

export interface ReplicatingServer {
  readonly objects: ObjectStore;
  readonly identities: IdentityStore;
  readonly dependencies: ContextDependencies;
}

/** Disposing ends what is bound to other servers; the worker has ended then. */
export function addReplication(
  workers: Workers,
  { objects, identities, dependencies }: ReplicatingServer,
): Disposable {
  const runner = workers.add(
    new ReplicationWorker({
      store: objects,
      roles: createReplicationRoles(identities, dependencies),
      destinationOf: async (bucketArn) => {
        const bucketName = bucketNameOfArn(bucketArn);
        if (bucketName === undefined) throw new ReplicationRefusedError("DstBucketNotFound");
        return new LocalDestination(objects, bucketName);
      },
    }),
  );
  const endWaking = objects.changes.onChange(() => runner.wake());
  return { [Symbol.dispose]: endWaking };
}
