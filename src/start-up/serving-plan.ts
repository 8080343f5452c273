// What a process that serves has to know. The plan is the same for all of one store, and plain data.

import type { HttpLimits, HttpServerOptions } from "../http/http-server.ts";
import type { StoresOptions } from "../open-stores.ts";
import type { ProvisioningDocument } from "../provisioning/document.ts";
import type { ServerSettings } from "../server-settings.ts";
import type { StorageOptions } from "../storage-options.ts";
import type { Log } from "../telemetry/log.ts";
import type { KmsSource } from "./key-services.ts";
import type { MasterKeySource } from "./master-keys.ts";
import type { MetricsMode } from "./metrics-mode.ts";
import type { Credentials } from "./root-credentials.ts";
import type { RotatingFileOptions } from "./rotating-file.ts";
import type { TracingOptions } from "./tracing.ts";

export interface ServingPorts {
  readonly port: number;
  /** A port of its own for websites. */
  readonly websitePort: number | undefined;
}

/** What all processes that serve one store have in common: plain data, sent to worker processes as it is. */
export interface ServingPlan {
  readonly settings: ServerSettings;
  readonly ports: ServingPorts;
  readonly limits: Partial<HttpLimits>;
  readonly credentials: Credentials;
  readonly masterKeys: MasterKeySource;
  readonly kms: KmsSource;
  /** Where the audit log goes; absent: there is none. */
  readonly audit?: RotatingFileOptions | undefined;
  /** Absent: requests are not traced. */
  readonly tracing?: TracingOptions | undefined;
  /** What is counted. */
  readonly metrics: MetricsMode;
  /** Stores beside the main one for some storage classes; absent: there are none. */
  readonly storage?: StorageOptions | undefined;
}

export interface ServingOptions
  extends ServingPlan, Pick<StoresOptions, "store" | "clock" | "deadWriters"> {
  readonly tls?: HttpServerOptions["tls"];
  readonly log: Log;
  /** What is to be there before the server answers; for exactly one process on a store. */
  readonly provisioning?: ProvisioningDocument | undefined;
}
