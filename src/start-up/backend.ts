// What lies behind the endpoint: stores, identities, keys, notifications and the background workers,
// opened in this order and disposed in reverse.

import { checkMasterKeys } from "../keys/master-key-witnesses.ts";
import type { Sealer } from "../keys/sealer.ts";
import { lifecycleDaysOf } from "../objects/lifecycle-days.ts";
import { openStores, type Stores } from "../open-stores.ts";
import { bucketDefaultsOf } from "../operations/bucket/new-bucket-access.ts";
import type { ContextDependencies } from "../protocol/operation-context.ts";
import type { Tracing } from "../telemetry/tracing.ts";
import { startBackground, type Background } from "./background.ts";
import { createKeyServices, type KeyServices } from "./key-services.ts";
import { openMasterKeyRing } from "./master-keys.ts";
import { openNotifications } from "./notifications.ts";
import { openIdentities, type Identities } from "./open-identities.ts";
import type { ServingOptions } from "./serving-plan.ts";

export interface Backend extends AsyncDisposable, Pick<Background, "workers" | "accessLog"> {
  readonly stores: Stores;
  readonly identities: Identities;
  readonly keyServices: KeyServices;
  readonly sealer: Sealer;
  /** What operations need of the server. */
  readonly dependencies: ContextDependencies;
}

export async function openBackend(
  options: ServingOptions,
  tracing: Tracing | undefined,
): Promise<Backend> {
  await using opened = new AsyncDisposableStack();
  const { log, clock, settings } = options;
  const { region } = settings;
  const ring = openMasterKeyRing(options.masterKeys, (error) => log.masterKeysUnreadable(error));
  const stores = opened.use(
    await openStores({
      store: options.store,
      durability: settings.durability,
      clock,
      deadWriters: options.deadWriters,
      storage: options.storage,
      keys: ring,
      tracing,
      lifecycleDays: lifecycleDaysOf(settings.lifecycleDaySeconds),
    }),
  );
  const { objects } = stores;
  const { keyValueStore, rootAccount } = objects;
  await checkMasterKeys(keyValueStore, ring);
  const identities = opened.use(
    await openIdentities({
      keyValueStore,
      clock,
      sealer: ring,
      rootAccount,
      rootCredentials: options.credentials,
      events: log,
    }),
  );
  const keyServices = createKeyServices({
    source: options.kms,
    sealer: ring,
    store: keyValueStore,
    clock,
    region,
    rootAccountId: rootAccount.accountId,
  });
  const notifications = opened.use(
    openNotifications({ clock, region, log, objects, sealer: ring }),
  );
  const dependencies: ContextDependencies = {
    store: objects,
    accounts: identities.store.accounts,
    credentials: identities.credentials,
    region,
    bucketDefaults: bucketDefaultsOf(settings),
    clock,
    encryption: { dataKeys: keyServices.dataKeys, customerKeys: settings.customerKeys },
    mfa: identities.store.mfaDevices,
    notifications: notifications.checks,
  };
  const parts = { ring, stores, identities, keyServices, notifications, dependencies };
  const { workers, accessLog } = opened.use(await startBackground(options, parts));
  const resources = opened.move();
  return {
    stores,
    identities,
    keyServices,
    sealer: ring,
    dependencies,
    workers,
    accessLog,
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}
