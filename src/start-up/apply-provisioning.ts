// Brings a server to what its configuration file declares, before it serves; or finds out what that
// would change.

import type { IdentityStore } from "../access/identities/identity-store.ts";
import type { Sealer } from "../keys/sealer.ts";
import type { ReplicationTargetSecret } from "../objects/replication-targets.ts";
import type { ObjectStore } from "../objects/object-store.ts";
import { createOperationRunner } from "../protocol/internal-operations.ts";
import type { ContextDependencies } from "../protocol/operation-context.ts";
import type {
  ProvisionedReplicationTarget,
  ProvisioningDocument,
} from "../provisioning/document.ts";
import { provision } from "../provisioning/provision.ts";

export interface ProvisionedServer {
  readonly identities: IdentityStore;
  readonly objects: ObjectStore;
  readonly dependencies: ContextDependencies;
  readonly sealer: Sealer;
}

/** One line for each change. Throws ProvisioningError. */
export function applyProvisioning(
  document: ProvisioningDocument,
  { identities, objects, dependencies, sealer }: ProvisionedServer,
  options: { readonly isDryRun: boolean },
): Promise<readonly string[]> {
  const { quotas, buckets, rootAccount, replicationTargets, notificationDestinations } = objects;
  return provision(
    document,
    {
      identities,
      runOperation: createOperationRunner(dependencies),
      setBucketQuota: (name, quota) => quotas.setBucketQuota(name, quota),
      findBucketQuota: async (name) => (await buckets.get(name)).quota,
      setAccountQuota: (accountId, quota) => quotas.setAccountQuota(accountId, quota),
      findAccountQuota: (accountId) => quotas.accountQuota(accountId),
      rootAccountId: rootAccount.accountId,
      replicationTargets: {
        holds: (target) => replicationTargets.holds(definedOnly(target), sealer),
        set: (target) => replicationTargets.set(definedOnly(target), sealer),
      },
      notificationDestinations: {
        holds: (arn, settings) => notificationDestinations.holds(arn, settings, sealer),
        set: (arn, settings) => notificationDestinations.set(arn, settings, sealer),
      },
    },
    options,
  );
}

function definedOnly({
  bucketName,
  ...target
}: ProvisionedReplicationTarget): ReplicationTargetSecret {
  return bucketName === undefined ? target : { ...target, bucketName };
}
