// Small requests, signed, strict durability, against a bare node:http server that sends and swallows
// the same bytes under the same headers.

import type { BareAnswer } from "../bare-server.ts";
import { type BenchContext, isWanted, makeDataDirectory } from "../measure/bench-context.ts";
import { ControlClient } from "../measure/control-client.ts";
import type { GeneratorProcess, LoadRequest, Round } from "../measure/generator-process.ts";
import { type Cell, type SectionReport, verdict } from "../measure/report.ts";
import {
  alternate,
  medianOf,
  medianRatio,
  requestsPerCpuSecond,
  requestsPerSecond,
  sumErrors,
} from "../measure/rounds.ts";
import {
  configureBareServer,
  credentials,
  type ServerProcess,
  startBareServer,
  startHoldfast,
} from "../measure/server-process.ts";

type Method = "GET" | "HEAD" | "PUT" | "DELETE";

interface Cells {
  readonly method: Method;
  readonly bodyBytes: number;
  readonly connections: number;
}

const keys = 5000;
const kibibyte = 1024;

export async function measureSmall(context: BenchContext): Promise<SectionReport> {
  const { generator } = context;
  await using data = await makeDataDirectory(context);
  await using holdfast = await startHoldfast({ dataDirectory: data.path });
  await using bare = await startBareServer("http");
  using client = new ControlClient(holdfast.port, credentials);
  await client.send({ method: "PUT", path: "/small" });
  await fillKeys(generator, holdfast);
  await configureBareServer(bare, await copyAnswers(client));
  await warmUp(context, [bare, holdfast]);
  const rows: Cell[][] = [];
  for (const cell of listCells(context)) {
    const name = nameOf(cell);
    context.say(`small: ${name} at ${cell.connections} connections`);
    await configureBareServer(bare, await copyAnswers(client, cell.bodyBytes));
    const [bareRounds = [], rounds = []] = await alternate(context.options.rounds, [
      () => runCell(context, bare, cell, true),
      () => runCell(context, holdfast, cell, false),
    ]);
    rows.push(summarize(cell, rounds, bareRounds));
  }
  return {
    title: "Small requests against a bare node:http server",
    columns: [
      "request",
      "conns",
      "req/s",
      "bare req/s",
      "ratio",
      "req/CPU s",
      "bare req/CPU s",
      "ratio per CPU",
      "p50 ms",
      "p99 ms",
      "bare p50 ms",
      "errors",
      "target",
    ],
    rows,
    notes: [
      "CPU seconds are those of the server: all threads and worker processes.",
      "Signed with Signature V4, payload UNSIGNED-PAYLOAD with CRC32 on PUT, strict durability.",
    ],
  };
}

function listCells(context: BenchContext): Cells[] {
  const sizes = [1, 4, 64].map((size) => size * kibibyte);
  const cells: Cells[] = [];
  for (const connections of [1, 16, 64]) {
    for (const bodyBytes of sizes) {
      for (const method of ["GET", "HEAD", "PUT"] as const) {
        cells.push({ method, bodyBytes, connections });
      }
    }
    cells.push({ method: "DELETE", bodyBytes: 0, connections });
  }
  const isShort = (cell: Cells): boolean =>
    cell.connections !== 16 && (cell.bodyBytes === 4 * kibibyte || cell.method === "DELETE");
  return cells
    .filter((cell) => isWanted(context, `${nameOf(cell)} @${cell.connections}`))
    .filter((cell) => !context.options.quick || isShort(cell));
}

function nameOf(cell: Cells): string {
  return cell.method === "DELETE" ? "DELETE" : `${cell.method} ${cell.bodyBytes / kibibyte} KiB`;
}

function pathOf(bodyBytes: number): string {
  return `/small/size-${bodyBytes}/{index}`;
}

async function fillKeys(generator: GeneratorProcess, holdfast: ServerProcess): Promise<void> {
  for (const size of [1, 4, 64]) {
    await generator.runWithoutErrors(holdfast, {
      method: "PUT",
      path: pathOf(size * kibibyte),
      bodyBytes: size * kibibyte,
      checksum: "crc32",
      distinctRequests: keys,
      requests: keys,
      connections: 64,
    });
  }
}

/** Long enough for the compiler: tens of thousands of requests before the first figure. */
async function warmUp(context: BenchContext, servers: readonly ServerProcess[]): Promise<void> {
  const milliseconds = context.options.quick ? 1500 : 4000;
  for (const server of servers) {
    for (const method of ["GET", "HEAD", "PUT"] as const) {
      const cell = { method, bodyBytes: 4 * kibibyte, connections: 64 };
      await context.generator.run(server, { ...requestOf(cell), milliseconds });
    }
  }
}

function requestOf(cell: Cells): LoadRequest {
  const isUpload = cell.method === "PUT";
  return {
    method: cell.method,
    path: pathOf(cell.bodyBytes),
    distinctRequests: keys,
    connections: cell.connections,
    ...(isUpload ? { bodyBytes: cell.bodyBytes, checksum: "crc32" } : {}),
  };
}

async function runCell(
  context: BenchContext,
  server: ServerProcess,
  cell: Cells,
  isBare: boolean,
): Promise<Round> {
  const { generator, options } = context;
  if (cell.method !== "DELETE") {
    const milliseconds = options.roundMilliseconds;
    return await generator.run(server, { ...requestOf(cell), milliseconds });
  }
  // What is deleted has to be there first; one connection deletes less in a round's time.
  const requests = cell.connections === 1 && !isBare ? 2000 : 20_000;
  const path = "/small/gone/{index}";
  const shared = { path, distinctRequests: requests, requests };
  if (!isBare) {
    await generator.run(server, { ...shared, method: "PUT", bodyBytes: kibibyte, connections: 64 });
  }
  return await generator.run(server, {
    ...shared,
    method: "DELETE",
    connections: cell.connections,
    milliseconds: options.roundMilliseconds * 4,
  });
}

/** Holdfast's own answers, as the bare server is to repeat them. */
async function copyAnswers(
  client: ControlClient,
  bodyBytes = 4 * kibibyte,
): Promise<Record<string, BareAnswer>> {
  const size = bodyBytes === 0 ? kibibyte : bodyBytes;
  const path = pathOf(size).replace("{index}", "000000");
  const probe = pathOf(size).replace("{index}", "probe");
  const answers: Record<string, BareAnswer> = {};
  for (const [method, target] of [
    ["GET", path],
    ["HEAD", path],
    ["PUT", probe],
    ["DELETE", probe],
  ] as const) {
    const body = method === "PUT" ? Buffer.alloc(size) : "";
    const { status, rawHeaders } = await client.send({ method, path: target, body });
    const headers: string[] = [];
    for (let position = 0; position + 1 < rawHeaders.length; position += 2) {
      const name = (rawHeaders[position] as string).toLowerCase();
      if (["date", "connection", "keep-alive", "transfer-encoding"].includes(name)) continue;
      headers.push(rawHeaders[position] as string, rawHeaders[position + 1] as string);
    }
    answers[method] = { status, headers, bodyBytes: method === "GET" ? size : 0 };
  }
  return answers;
}

function summarize(cell: Cells, rounds: Round[], bare: Round[]): Cell[] {
  const ratio = medianRatio(rounds, bare, requestsPerCpuSecond);
  const target =
    cell.bodyBytes !== 4 * kibibyte
      ? ""
      : cell.method === "GET"
        ? verdict(ratio, 0.55)
        : cell.method === "PUT" && cell.connections === 64
          ? verdict(ratio, 0.3)
          : "";
  return [
    nameOf(cell),
    cell.connections,
    medianOf(rounds, requestsPerSecond),
    medianOf(bare, requestsPerSecond),
    medianRatio(rounds, bare, requestsPerSecond),
    medianOf(rounds, requestsPerCpuSecond),
    medianOf(bare, requestsPerCpuSecond),
    ratio,
    medianOf(rounds, (round) => round.latencyMilliseconds.p50),
    medianOf(rounds, (round) => round.latencyMilliseconds.p99),
    medianOf(bare, (round) => round.latencyMilliseconds.p50),
    sumErrors(rounds) + sumErrors(bare),
    target,
  ];
}
