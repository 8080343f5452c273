// Server access logging, put together: where requests are written down, and the worker that delivers.

import { AccessLogWorker } from "../background/access-log-worker.ts";
import type { BackgroundWorker } from "../background/worker.ts";
import type { Stores } from "../open-stores.ts";
import type { AccessRecorder } from "../protocol/access-record.ts";
import type { ContextDependencies } from "../protocol/operation-context.ts";
import type { ServerSettings } from "../server-settings.ts";
import type { Log } from "../telemetry/log.ts";
import { createObjectDeliverer } from "./object-deliverer.ts";

export function openAccessLog(
  options: {
    readonly log: Log;
    readonly settings: ServerSettings;
  },
  { stores, dependencies }: { readonly stores: Stores; readonly dependencies: ContextDependencies },
): {
  readonly worker: BackgroundWorker;
  readonly recorder: AccessRecorder;
  /** Before the stores are closed. */
  readonly flush: () => Promise<void>;
} {
  const { log, settings } = options;
  const worker = new AccessLogWorker({
    spool: stores.accessSpool,
    objects: stores.objects,
    deliverer: createObjectDeliverer(dependencies),
    region: settings.region,
    intervalMilliseconds: settings.accessLogMilliseconds,
    onRefused: (target, error) => log.accessLogRefused({ target, code: error.code }),
  });
  // A disk that is full refuses uploads; it does not keep anybody from reading.
  const guarded = (write: () => void): void => {
    try {
      write();
    } catch (error) {
      log.accessLogFailed(error);
    }
  };
  return {
    worker,
    async flush() {
      await worker.deferred();
      guarded(() => worker.flush());
    },
    recorder: {
      begin: (entry) => guarded(() => worker.begin(entry)),
      add: (...entries) => guarded(() => worker.add(...entries)),
      end: (requestId, end) => guarded(() => worker.end(requestId, end)),
      defer: (work) => worker.defer(work),
    },
  };
}
