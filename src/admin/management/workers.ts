// Background workers: what each does, did and has to do, and one run at once.

import type { JsonObject } from "../json/json-api.ts";
import type { ManagementActionTable } from "./management-action.ts";
import { ManagementError } from "./management-error.ts";

/** What is known of a pass of a worker. */
interface ListedRun {
  readonly beganMilliseconds: number;
  readonly endedMilliseconds: number;
  readonly fields?: Readonly<Record<string, number>>;
  readonly troubles?: readonly string[];
  readonly error?: string;
  readonly failuresInARow: number;
}

/** The server's workers; what runs them stands behind. */
export interface WorkerDirectory {
  list(): Promise<
    readonly {
      readonly name: string;
      readonly scope: "process" | "store";
      readonly intervalMilliseconds: number;
      readonly holder: string | undefined;
      readonly isRunning: boolean;
      readonly progress: { readonly fields: Readonly<Record<string, number>> } | undefined;
      readonly lastRun: ListedRun | undefined;
      readonly backlog: number | undefined;
    }[]
  >;
  /** `undefined`: it still runs. */
  run(name: string): Promise<ListedRun | undefined>;
}

/** Workers are the server's, and not of any account. */
const everyWorker = { resource: "*" } as const;

export const workerActions: ManagementActionTable<"ListWorkers" | "RunWorker"> = {
  ListWorkers: {
    isForRootAccount: true,
    subject: () => everyWorker,
    async run(_input, { dependencies }) {
      const workers = await dependencies.workers.list();
      return {
        Workers: workers.map((worker) => ({
          Name: worker.name,
          Scope: worker.scope === "store" ? "Store" : "Process",
          Status: worker.isRunning ? "Running" : describeRest(worker.lastRun, worker.holder),
          ...(worker.holder === undefined ? {} : { Holder: worker.holder }),
          ...(worker.backlog === undefined ? {} : { Backlog: worker.backlog }),
          ...(worker.progress === undefined ? {} : { Progress: worker.progress.fields }),
          IntervalSeconds: worker.intervalMilliseconds / 1000,
          ...(worker.lastRun === undefined ? {} : describeRun(worker.lastRun)),
        })),
      };
    },
  },
  RunWorker: {
    isForRootAccount: true,
    subject: () => everyWorker,
    async run({ Name }, { dependencies }) {
      const known = await dependencies.workers.list();
      if (!known.some(({ name }) => name === Name)) {
        const message = `There is no worker ${JSON.stringify(Name)}.`;
        throw new ManagementError("NoSuchEntityException", message);
      }
      const run = await dependencies.workers.run(Name);
      return run === undefined
        ? { Name, Status: "Running" }
        : { Name, Status: describeRest(run, ""), ...describeRun(run) };
    },
  },
};

function describeRest(run: ListedRun | undefined, holder: string | undefined): string {
  if (run?.error !== undefined) return "Failing";
  return holder === undefined ? "Waiting" : "Idle";
}

function describeRun(run: ListedRun): JsonObject {
  return {
    LastRunAt: new Date(run.beganMilliseconds).toISOString(),
    LastRunMilliseconds: Math.max(0, run.endedMilliseconds - run.beganMilliseconds),
    ...(run.fields === undefined ? {} : { LastRunDid: { ...run.fields } }),
    ...(run.troubles === undefined ? {} : { LastRunTroubles: [...run.troubles] }),
    ...(run.error === undefined
      ? {}
      : { LastError: run.error, FailuresInARow: run.failuresInARow }),
  };
}
