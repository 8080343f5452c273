// What the supervisor and its worker processes say to one another. Plain data: it travels as JSON
// through a pipe that nobody else can read.

import type { ProvisioningDocument } from "../provisioning/document.ts";
import type { WriterId } from "../storage/blob/blob-store.ts";
import type { MetricsSnapshot } from "../telemetry/metrics.ts";
import type { ServerLogOptions } from "./server-log.ts";
import type { ServingPlan, ServingPorts } from "./serving-plan.ts";

export interface WorkerOptions {
  readonly plan: ServingPlan;
  readonly directory: string;
  readonly tls: { readonly key: string; readonly certificate: string } | undefined;
  /** PEM: to trust beside the system's. */
  readonly trustedCertificates: string | undefined;
  readonly log: ServerLogOptions;
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
