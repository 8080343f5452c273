// Builds what knows who is who: the store of identities, and the lookup of credentials that asks the
// configuration's key pair first.

import { randomBytes } from "node:crypto";

import type { IdentifiedCaller } from "../access/caller.ts";
import { rootCredentials } from "../access/credentials.ts";
import { CredentialResolver } from "../access/identities/credential-resolver.ts";
import { IdentityStore } from "../access/identities/identity-store.ts";
import { rootArn } from "../access/identities/identity-names.ts";
import { LastUsed } from "../access/identities/last-used.ts";
import type { CredentialLookup } from "../access/signed-request.ts";
import type { BackgroundWorker, WorkerEvents } from "../background/worker.ts";
import type { Clock } from "../base/clock.ts";
import type { Sealer } from "../keys/sealer.ts";
import type { RootAccount } from "../objects/object-store.ts";
import type { KeyValueStore } from "../storage/key-value/key-value-store.ts";
import type { Credentials } from "./root-credentials.ts";

export interface Identities extends AsyncDisposable {
  readonly store: IdentityStore;
  readonly credentials: CredentialLookup;
  /** Writes down when keys were used last. */
  readonly worker: BackgroundWorker;
}

export interface IdentitiesOptions {
  readonly keyValueStore: KeyValueStore;
  readonly clock: Clock;
  readonly sealer: Sealer;
  readonly rootAccount: RootAccount;
  readonly rootCredentials: Credentials;
  readonly events: WorkerEvents;
}

const workerName = "last-used";
const flushMilliseconds = 15_000;

export async function openIdentities(options: IdentitiesOptions): Promise<Identities> {
  const { keyValueStore, clock, sealer } = options;
  const rootAccessKeyId = options.rootCredentials.accessKeyId;
  const parts = { store: keyValueStore, clock, sealer, randomBytes };
  const store = new IdentityStore({ ...parts, rootAccessKeyId });
  const account = await store.accounts.ensureRoot(options.rootAccount);
  const { accountId, canonicalId, displayName } = account;
  const { accessKeyId, secretAccessKey } = options.rootCredentials;
  const root: IdentifiedCaller = {
    kind: "identified",
    accessKeyId,
    accountId,
    canonicalId,
    displayName,
    principal: { kind: "root", arn: rootArn(accountId), userId: accountId },
  };
  const lastUsed = new LastUsed(keyValueStore, clock);
  const credentials = new CredentialResolver({
    database: store.database,
    root: rootCredentials(accessKeyId, secretAccessKey, root),
    rootAccessKeyId,
    lastUsed,
  });
  return {
    store,
    credentials,
    worker: {
      name: workerName,
      scope: "process",
      intervalMilliseconds: flushMilliseconds,
      runOnce: async () => ({ fields: { written: await lastUsed.flush() } }),
    },
    async [Symbol.asyncDispose]() {
      // The last minute's uses are not worth a server that cannot close.
      await lastUsed.flush().catch((error: unknown) => {
        options.events.roundFailed(workerName, error);
      });
    },
  };
}
