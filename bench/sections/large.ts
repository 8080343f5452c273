// Large bodies: GET against a bare streaming file server that serves the same bytes; PUT and multipart
// upload against what one core can hash with the digests that the request demands.

import { execFile } from "node:child_process";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import type { HashFloor, HashRate } from "../hash-floor.ts";
import { RepeatedBody } from "../load/signed-requests.ts";
import { type BenchContext, isWanted, makeDataDirectory } from "../measure/bench-context.ts";
import { ControlClient, findElement } from "../measure/control-client.ts";
import type { LoadRequest, Round } from "../measure/generator-process.ts";
import { type Cell, type SectionReport, verdict } from "../measure/report.ts";
import {
  alternate,
  generatorLoad,
  median,
  mebibytesPerCpuSecond,
  mebibytesPerSecond,
  medianOf,
  medianRatio,
  sumErrors,
} from "../measure/rounds.ts";
import {
  credentials,
  type ServerProcess,
  startBareServer,
  startHoldfast,
} from "../measure/server-process.ts";

const mebibyte = 1024 * 1024;
const partBytes = 8 * mebibyte;
/** Bytes moved in one round, so that every cell takes about the same time. */
const roundBytes = 1024 * mebibyte;
const getTarget = 0.7;
const putTarget = 0.75;

export async function measureLarge(context: BenchContext): Promise<SectionReport> {
  const roundSize = context.options.quick ? roundBytes / 4 : roundBytes;
  await using data = await makeDataDirectory(context);
  await using files = await makeDataDirectory(context);
  await using holdfast = await startHoldfast({ dataDirectory: data.path });
  await using bare = await startBareServer("files", files.path);
  using client = new ControlClient(holdfast.port, credentials);
  await client.send({ method: "PUT", path: "/large" });
  const bench = { context, holdfast, bare, client, files: files.path, roundSize };
  const rows: Cell[][] = [];
  for (const size of [8, 256]) rows.push(...(await measureGets(bench, size * mebibyte)));
  for (const size of [8, 256]) rows.push(...(await measurePuts(bench, size * mebibyte)));
  if (isWanted(context, "multipart")) rows.push(...(await measureMultipart(bench)));
  return {
    title: "Large bodies",
    columns: [
      "request",
      "conns",
      "MiB/s",
      "floor MiB/s",
      "ratio",
      "MiB/CPU s",
      "floor MiB/CPU s",
      "ratio per CPU",
      "generator cores",
      "errors",
      "target",
    ],
    rows,
    notes: [
      "GET: the floor is a bare node:http server that streams a file in 1 MiB reads.",
      "PUT: the floor is what one core hashes: SHA-256, MD5 and CRC64NVME when the payload is signed, " +
        "MD5 and CRC32 when it is unsigned with a CRC32 header; the target is judged by wall time.",
    ],
  };
}

interface LargeBench {
  readonly context: BenchContext;
  readonly holdfast: ServerProcess;
  readonly bare: ServerProcess;
  readonly client: ControlClient;
  readonly files: string;
  readonly roundSize: number;
}

async function measureGets(bench: LargeBench, bodyBytes: number): Promise<Cell[][]> {
  const { context, holdfast, bare } = bench;
  const name = `GET ${bodyBytes / mebibyte} MiB`;
  if (!isWanted(context, name)) return [];
  const path = `/large/get-${bodyBytes}`;
  await context.generator.runWithoutErrors(holdfast, {
    method: "PUT",
    path,
    bodyBytes,
    checksum: "crc32",
    distinctRequests: 1,
    requests: 1,
    connections: 1,
  });
  await writeFileOf(join(bench.files, `get-${bodyBytes}`), bodyBytes);
  const rows: Cell[][] = [];
  for (const connections of [1, 8]) {
    context.say(`large: ${name} at ${connections} connections`);
    const requests = Math.max(connections, (2 * bench.roundSize) / bodyBytes);
    const request = { method: "GET", path, distinctRequests: 1, requests, connections } as const;
    const sides = [bare, holdfast].map((server) => () => context.generator.run(server, request));
    // The first turn warms the code and the file cache and is not counted.
    await alternate(1, sides);
    const [floor = [], rounds = []] = await alternate(context.options.rounds, sides);
    const ratio = medianRatio(rounds, floor, mebibytesPerCpuSecond);
    rows.push([
      name,
      connections,
      medianOf(rounds, mebibytesPerSecond),
      medianOf(floor, mebibytesPerSecond),
      medianRatio(rounds, floor, mebibytesPerSecond),
      medianOf(rounds, mebibytesPerCpuSecond),
      medianOf(floor, mebibytesPerCpuSecond),
      ratio,
      medianOf(rounds, generatorLoad),
      sumErrors(rounds) + sumErrors(floor),
      verdict(ratio, getTarget),
    ]);
  }
  return rows;
}

async function measurePuts(bench: LargeBench, bodyBytes: number): Promise<Cell[][]> {
  const rows: Cell[][] = [];
  for (const payload of ["signed", "unsigned"] as const) {
    const name = `PUT ${bodyBytes / mebibyte} MiB ${payload}`;
    if (!isWanted(bench.context, name)) continue;
    for (const connections of [1, 8]) {
      bench.context.say(`large: ${name} at ${connections} connections`);
      const requests = Math.max(connections, bench.roundSize / bodyBytes);
      const rounds: Round[] = [];
      const floors: HashRate[] = [];
      for (let turn = 0; turn < bench.context.options.rounds; turn += 1) {
        floors.push((await runHashFloor())[payload]);
        rounds.push(
          await bench.context.generator.run(bench.holdfast, {
            method: "PUT",
            path: `/large/put-${bodyBytes}-{index}`,
            bodyBytes,
            payload,
            ...(payload === "unsigned" ? { checksum: "crc32" } : {}),
            distinctRequests: connections,
            requests,
            connections,
          }),
        );
      }
      rows.push(summarizeUpload(name, connections, rounds, floors));
    }
  }
  return rows;
}

/** The parts of one upload after the other; creation and completion are inside the time. */
async function measureMultipart(bench: LargeBench): Promise<Cell[][]> {
  const parts = bench.roundSize / partBytes;
  const entityTag = new RepeatedBody(partBytes).digest("md5");
  const rows: Cell[][] = [];
  for (const connections of [1, 8]) {
    const name = `multipart ${parts} × ${partBytes / mebibyte} MiB unsigned`;
    bench.context.say(`large: ${name} at ${connections} connections`);
    const rounds: Round[] = [];
    const floors: HashRate[] = [];
    for (let turn = 0; turn < bench.context.options.rounds; turn += 1) {
      floors.push((await runHashFloor()).unsigned);
      const path = `/large/multipart-${turn}`;
      const created = await bench.client.send({ method: "POST", path, query: "uploads=" });
      const uploadId = encodeURIComponent(findElement(created.body, "UploadId") ?? "");
      const upload: LoadRequest = {
        method: "PUT",
        path,
        query: `partNumber={number}&uploadId=${uploadId}`,
        bodyBytes: partBytes,
        checksum: "crc32",
        distinctRequests: parts,
        requests: parts,
        connections,
      };
      const round = await bench.context.generator.run(bench.holdfast, upload);
      const completed = await bench.client.send({
        method: "POST",
        path,
        query: `uploadId=${uploadId}`,
        body: completionOf(parts, entityTag),
      });
      const seconds = round.seconds + (created.milliseconds + completed.milliseconds) / 1000;
      rounds.push({ ...round, seconds });
    }
    rows.push(summarizeUpload(name, connections, rounds, floors));
  }
  return rows;
}

export function completionOf(parts: number, entityTag: string): string {
  let xml = "";
  for (let number = 1; number <= parts; number += 1) {
    xml += `<Part><PartNumber>${number}</PartNumber><ETag>"${entityTag}"</ETag></Part>`;
  }
  const namespace = "http://s3.amazonaws.com/doc/2006-03-01/";
  return `<CompleteMultipartUpload xmlns="${namespace}">${xml}</CompleteMultipartUpload>`;
}

function summarizeUpload(
  name: string,
  connections: number,
  rounds: Round[],
  floors: readonly HashRate[],
): Cell[] {
  const perSecond = medianOf(rounds, mebibytesPerSecond);
  const perCpuSecond = medianOf(rounds, mebibytesPerCpuSecond);
  const floor = median(floors.map((rate) => rate.mebibytesPerSecond));
  const floorPerCpu = median(floors.map((rate) => rate.mebibytesPerCpuSecond));
  return [
    name,
    connections,
    perSecond,
    floor,
    perSecond / floor,
    perCpuSecond,
    floorPerCpu,
    perCpuSecond / floorPerCpu,
    medianOf(rounds, generatorLoad),
    sumErrors(rounds),
    verdict(perSecond / floor, putTarget),
  ];
}

async function runHashFloor(): Promise<HashFloor> {
  const script = join(import.meta.dirname, "..", "hash-floor.ts");
  const { stdout } = await promisify(execFile)(process.execPath, [script]);
  return JSON.parse(stdout) as HashFloor;
}

async function writeFileOf(path: string, bytes: number): Promise<void> {
  const file = await open(path, "w");
  try {
    for (const block of new RepeatedBody(bytes).blocks()) await file.write(block);
    await file.sync();
  } finally {
    await file.close();
  }
}
