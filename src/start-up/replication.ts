// Puts the worker `replication` together: with the roles that it acts as, and the destinations that it
// knows.

import { LocalDestination } from "../background/replication/local-destination.ts";
import { RemoteDestination } from "../background/replication/remote-destination.ts";
import { ReplicationRefusedError } from "../background/replication/failure.ts";
import { ReplicationWorker } from "../background/replication/replication-worker.ts";
import type { Workers } from "../background/workers.ts";
import type { IdentityStore } from "../access/identities/identity-store.ts";
import type { Clock } from "../base/clock.ts";
import type { Sealer } from "../keys/sealer.ts";
import type { ObjectStore } from "../objects/object-store.ts";
import type { ReplicationTargetSecret } from "../objects/replication-targets.ts";
import { RemoteS3Client } from "../remote/s3-client.ts";
import { bucketNameOfArn } from "../objects/replication-configuration.ts";
import { replicationFeedPrefix } from "../objects/replication-route.ts";
import type { ContextDependencies } from "../protocol/operation-context.ts";
import { createReplicationRoles } from "./replication-roles.ts";

export interface ReplicatingServer {
  readonly objects: ObjectStore;
  readonly identities: IdentityStore;
  readonly dependencies: ContextDependencies;
  /** Of the secrets of other servers. */
  readonly sealer: Sealer;
}

/** Disposing ends what is bound to other servers; the worker has ended then. */
export function addReplication(
  workers: Workers,
  { objects, identities, dependencies, sealer }: ReplicatingServer,
): Disposable {
  const clients = new Clients(dependencies.clock);
  const runner = workers.add(
    new ReplicationWorker({
      store: objects,
      roles: createReplicationRoles(identities, dependencies),
      destinationOf: async (bucketArn) => {
        const bucketName = bucketNameOfArn(bucketArn);
        if (bucketName === undefined) throw new ReplicationRefusedError("DstBucketNotFound");
        const target = await objects.replicationTargets.find(bucketArn);
        if (target === undefined) return new LocalDestination(objects, bucketName);
        return new RemoteDestination({
          client: clients.get(await objects.replicationTargets.open(target, sealer)),
          target,
          bucketName: target.bucketName ?? bucketName,
          bucketArn,
          store: objects,
        });
      },
    }),
  );
  const endWaking = objects.changes.onChange(replicationFeedPrefix(), () => runner.wake());
  return {
    [Symbol.dispose]() {
      endWaking();
      clients[Symbol.dispose]();
    },
  };
}

/** One client for each endpoint and key pair: its connections are used again. */
class Clients implements Disposable {
  readonly #clock: Clock;
  readonly #clients = new Map<string, RemoteS3Client>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get(target: ReplicationTargetSecret): RemoteS3Client {
    const { endpoint, region, accessKeyId, secretAccessKey } = target;
    const name = JSON.stringify([endpoint, region, accessKeyId, secretAccessKey]);
    let client = this.#clients.get(name);
    if (client === undefined) {
      client = new RemoteS3Client({ endpoint, region, accessKeyId, secretAccessKey }, this.#clock);
      this.#clients.set(name, client);
    }
    return client;
  }

  [Symbol.dispose](): void {
    for (const client of this.#clients.values()) client[Symbol.dispose]();
  }
}
