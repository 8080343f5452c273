// What the generator itself can do: a server that answers without looking must be far faster than any
// server measured here, or the other figures would be the generator's.

import type { BenchContext } from "../measure/bench-context.ts";
import type { SectionReport } from "../measure/report.ts";
import { alternate, generatorLoad, medianOf, requestsPerSecond } from "../measure/rounds.ts";
import { startBareServer } from "../measure/server-process.ts";

export async function measureGenerator(context: BenchContext): Promise<SectionReport> {
  const { options, generator } = context;
  await using server = await startBareServer("instant", "4096");
  const rows = [];
  for (const connections of [1, 16, 64]) {
    const [rounds = []] = await alternate(options.rounds, [
      () =>
        generator.runWithoutErrors(server, {
          method: "GET",
          path: "/bench/{index}",
          distinctRequests: 1000,
          connections,
          milliseconds: options.roundMilliseconds,
        }),
    ]);
    const perSecond = medianOf(rounds, requestsPerSecond);
    const load = medianOf(rounds, generatorLoad);
    rows.push(["GET 4 KiB", connections, perSecond, perSecond / load, load]);
  }
  return {
    title: "The load generator against an instant server",
    columns: ["request", "connections", "req/s", "req per generator CPU s", "generator cores"],
    rows,
    notes: ["The instant server is a node:net socket that answers without parsing."],
  };
}
