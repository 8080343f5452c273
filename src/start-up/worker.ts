// A worker process: serves S3 on the supervisor's port until it is told to drain. Started by the
// supervisor alone; when the supervisor is gone, so is the worker, at once.

import { systemClock } from "../base/clock.ts";
import { holdWorkerLock } from "./directory-lock.ts";
import { trustCertificates } from "./trusted-certificates.ts";
import { startServing, type Serving } from "./serving.ts";
import { openServerLog, type ServerLog } from "./server-log.ts";
import type { SupervisorMessage, WorkerMessage } from "./worker-messages.ts";

const defaultDrainMilliseconds = 30_000;

let serving: Serving | undefined;
let serverLog: ServerLog | undefined;
let isDraining = false;

// Ctrl-C reaches the whole process group; the supervisor decides what it means.
process.on("SIGINT", () => {});
// Whoever hangs up on the whole group means the supervisor.
process.on("SIGHUP", () => {});
process.on("SIGTERM", () => void drain(defaultDrainMilliseconds));
// A supervisor that was killed has released the directory: nothing may be written any more.
process.on("disconnect", () => process.exit(1));
process.on("message", (message: SupervisorMessage) => {
  if (message.kind === "start") void start(message);
  else if (message.kind === "reopenLogs") serverLog?.reopen();
  else if (message.kind === "metrics") void tellMetrics(message);
  else void drain(message.timeoutMilliseconds);
});
tell({ kind: "loaded" });

async function start(message: SupervisorMessage & { readonly kind: "start" }): Promise<void> {
  const { options, deadWriters, provisioning } = message;
  try {
    // Never released: the end of the process does it.
    holdWorkerLock(options.directory);
    trustCertificates(options.trustedCertificates);
    serverLog = openServerLog(options.log);
    serving = await startServing({
      ...options.plan,
      store: { directory: options.directory },
      clock: systemClock,
      tls: options.tls,
      deadWriters,
      provisioning,
      log: serverLog.log,
    });
    const { writerId, address, websitePort } = serving;
    tell({ kind: "ready", writerId, ports: { port: address.port, websitePort } });
    if (isDraining) await drain(0);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : undefined;
    const failure = error instanceof Error ? error.message : String(error);
    tell({ kind: "failed", message: failure, code }, () => process.exit(1));
  }
}

async function tellMetrics({
  question,
  ofStore,
}: SupervisorMessage & { readonly kind: "metrics" }): Promise<void> {
  tell({ kind: "metrics", question, snapshot: await serving?.metrics(ofStore) });
}

async function drain(timeoutMilliseconds: number): Promise<void> {
  if (isDraining && serving === undefined) process.exit(0);
  isDraining = true;
  await serving?.drain(timeoutMilliseconds);
  serverLog?.log.flush();
  process.exit(0);
}

function tell(message: WorkerMessage, then?: () => void): void {
  process.send?.(message, undefined, {}, () => then?.());
}
