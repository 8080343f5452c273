// What the supervisor and its worker processes say to one another. Plain data: it travels as JSON
// through a pipe that nobody else can read.

import type { LifecycleDays } from "../objects/lifecycle-days.ts";
import type { HttpLimits } from "../http/http-server.ts";
import type { Durability } from "../open-stores.ts";
import type { BucketDefaults } from "../operations/operation.ts";
import type { ProvisioningDocument } from "../provisioning/document.ts";
import type { WriterId } from "../storage/blob/blob-store.ts";
import type { MetricsSnapshot } from "../telemetry/metrics.ts";
import type { KmsSource } from "./key-services.ts";
import type { MasterKeySource } from "./master-keys.ts";
import type { MetricsMode } from "./metrics-mode.ts";
import type { Credentials } from "./root-credentials.ts";
import type { CustomerKeyMode } from "../protocol/operation-context.ts";
import type { StorageOptions } from "../storage-options.ts";
import type { ServerLogOptions } from "./server-log.ts";
import type { TracingOptions } from "./tracing.ts";
import type { RotatingFileOptions } from "./rotating-file.ts";

export interface ServingPorts {
  readonly port: number;
  readonly websitePort: number | undefined;
}

export interface WorkerOptions extends ServingPorts {
  readonly directory: string;
  readonly durability: Durability;
  readonly host: string;
  readonly tls: { readonly key: string; readonly certificate: string } | undefined;
  readonly limits: Partial<HttpLimits>;
  readonly region: string;
  readonly domains: readonly string[];
  readonly websiteDomains: readonly string[];
  readonly customerKeys: CustomerKeyMode;
  readonly lifecycleDays: LifecycleDays;
  readonly accessLogMilliseconds: number;
  readonly bucketDefaults: BucketDefaults;
  readonly credentials: Credentials;
  readonly masterKeys: MasterKeySource;
  readonly kms: KmsSource;
  /** PEM: to trust beside the system's. */
  readonly trustedCertificates: string | undefined;
  readonly log: ServerLogOptions;
  readonly audit: RotatingFileOptions | undefined;
  readonly tracing: TracingOptions | undefined;
  readonly metrics: MetricsMode;
  readonly storage: StorageOptions | undefined;
}

export type SupervisorMessage =
  | {
      readonly kind: "start";
      readonly options: WorkerOptions;
      readonly deadWriters: "all" | readonly WriterId[];
      /** For the first worker alone, and only at the start of the server. */
      readonly provisioning: ProvisioningDocument | undefined;
    }
  | { readonly kind: "drain"; readonly timeoutMilliseconds: number }
  | { readonly kind: "reopenLogs" }
  /** `ofStore`: also what all processes on one store have in common. */
  | { readonly kind: "metrics"; readonly question: number; readonly ofStore: boolean };

export type WorkerMessage =
  /** The module is loaded; `start` may come. */
  | { readonly kind: "loaded" }
  | { readonly kind: "ready"; readonly writerId: WriterId; readonly ports: ServingPorts }
  | {
      readonly kind: "metrics";
      readonly question: number;
      /** Absent: nothing is counted. */
      readonly snapshot?: MetricsSnapshot | undefined;
    }
  | { readonly kind: "failed"; readonly message: string; readonly code: string | undefined };
