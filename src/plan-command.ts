// `holdfast plan`: what the configuration file would change in a data directory. Only reads, and may run
// beside the server; for a directory that is not there yet it is everything.

import { randomBytes } from "node:crypto";
import { access } from "node:fs/promises";
import { join, resolve } from "node:path";
import { IdentityStore } from "./access/identities/identity-store.ts";
import { systemClock } from "./base/clock.ts";
import type { Configuration } from "./config-settings.ts";
import { ConfigurationError } from "./setting-kinds.ts";
import { ObjectStore } from "./objects/object-store.ts";
import { openStoresToRead } from "./open-stores-to-read.ts";
import { applyProvisioning } from "./start-up/apply-provisioning.ts";
import { findMasterKeys, openMasterKeyRing, readGivenMasterKey } from "./start-up/master-keys.ts";
import { findProvisioning } from "./start-up/read-provisioning.ts";
import type { KeyValueStore } from "./storage/key-value/key-value-store.ts";
import { MemoryBlobStore } from "./storage/blob/memory-blob-store.ts";
import { MemoryKeyValueStore } from "./storage/key-value/memory-key-value-store.ts";

/** The exit code: 0 nothing would change, 3 something would. Throws ConfigurationError. */
export async function runPlan(
  configuration: Configuration,
  output: { write(text: string): unknown },
): Promise<number> {
  const { region } = configuration;
  const document = await findProvisioning(configuration, process.env);
  if (document === undefined) throw new ConfigurationError("plan needs --config FILE");
  const directory = resolve(configuration.dataDirectory);
  await using resources = new AsyncDisposableStack();
  const isThere = await isStore(directory);
  const store = isThere ? await openReading(directory, resources) : new MemoryKeyValueStore();
  // A directory that has none must not get any by looking.
  const given = await readGivenMasterKey(configuration);
  const ring = openMasterKeyRing(
    await findMasterKeys(isThere ? directory : undefined, given),
    () => {},
  );
  const objects = await ObjectStore.openToRead({
    store,
    blobs: new MemoryBlobStore(),
    clock: systemClock,
  });
  const identities = new IdentityStore({
    store,
    clock: systemClock,
    sealer: ring,
    randomBytes,
    rootAccessKeyId: configuration.rootAccessKey,
  });
  const dependencies = {
    store: objects,
    accounts: identities.accounts,
    // A declaration signs nothing.
    credentials: { find: () => undefined },
    region,
    clock: systemClock,
  };
  const changes = await applyProvisioning(
    document,
    { identities, objects, dependencies, sealer: ring },
    { isDryRun: true },
  );
  for (const change of changes) output.write(`${change}\n`);
  output.write(changes.length === 0 ? "nothing to change\n" : `${changes.length} to change\n`);
  return changes.length === 0 ? 0 : 3;
}

async function openReading(
  directory: string,
  resources: AsyncDisposableStack,
): Promise<KeyValueStore> {
  const { store } = resources.use(await openStoresToRead(directory));
  return {
    read: (request) => store.read(request),
    write: async () => {
      throw new Error("a plan writes nothing");
    },
    async [Symbol.asyncDispose]() {
      // The stores belong to `resources`.
    },
  };
}

async function isStore(directory: string): Promise<boolean> {
  try {
    await access(join(directory, "metadata.sqlite"));
    return true;
  } catch {
    return false;
  }
}
