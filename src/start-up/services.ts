// What answers beside S3 on the same endpoint: IAM, STS, KMS and Holdfast's own administration.

import type { ServiceApi } from "../access/service-request.ts";
import type { IdentityStore } from "../access/identities/identity-store.ts";
import { WebIdentities } from "../access/web-identity/web-identities.ts";
import { createIamApi } from "../admin/iam/iam-api.ts";
import { createKmsApi } from "../admin/kms/kms-api.ts";
import { createManagementApi } from "../admin/management/management-api.ts";
import type { WorkerDirectory } from "../admin/management/workers.ts";
import { createStsApi } from "../admin/sts/sts-api.ts";
import { backlogOf } from "../background/replication/backlog.ts";
import type { Clock } from "../base/clock.ts";
import type { Sealer } from "../keys/sealer.ts";
import type { KmsKeys } from "../keys/kms-keys.ts";
import type { ObjectStore } from "../objects/object-store.ts";
import { StoreFacts } from "../protocol/resource-facts.ts";
import type { CredentialLookup } from "../access/signed-request.ts";
import type { Log } from "../telemetry/log.ts";

export interface ServicesOptions {
  readonly objects: ObjectStore;
  readonly identities: IdentityStore;
  readonly credentials: CredentialLookup;
  readonly keys: KmsKeys;
  readonly workers: WorkerDirectory;
  readonly sealer: Sealer;
  readonly clock: Clock;
  readonly region: string;
  readonly log: Log;
}

export function createServices(options: ServicesOptions): readonly ServiceApi[] {
  const { objects, identities, credentials, keys, workers, sealer, clock, region, log } = options;
  const reportFailure = (requestId: string, operation: string | undefined, error: unknown): void =>
    log.requestFailed({ requestId, operation }, error);
  const query = {
    identities,
    clock,
    region,
    reportFailure: (requestId: string, error: unknown) => {
      reportFailure(requestId, undefined, error);
    },
  };
  return [
    createIamApi(query),
    createStsApi({ ...query, webIdentities: new WebIdentities(identities, clock) }),
    createKmsApi({ keys, clock, region, reportFailure }),
    createManagementApi({
      objects,
      identities,
      credentials,
      keys,
      workers,
      sealer,
      replicationBacklog: (bucket) => backlogOf(objects, bucket),
      clock,
      region,
      newResourceFacts: () => new StoreFacts(objects),
      reportFailure,
    }),
  ];
}
