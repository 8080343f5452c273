// CompleteMultipartUpload and CopyObject of a 5 GiB object: commits of metadata that share the bytes,
// so that they take milliseconds.

import { RepeatedBody } from "../load/signed-requests.ts";
import { type BenchContext, makeDataDirectory } from "../measure/bench-context.ts";
import { ControlClient, findElement } from "../measure/control-client.ts";
import type { Cell, SectionReport } from "../measure/report.ts";
import { median } from "../measure/rounds.ts";
import { credentials, startHoldfast } from "../measure/server-process.ts";
import { completionOf } from "./large.ts";

const mebibyte = 1024 * 1024;
const gibibyte = 1024 * mebibyte;
const targetMilliseconds = 20;

interface Shape {
  readonly parts: number;
  readonly partBytes: number;
}

export async function measureBigObjects(context: BenchContext): Promise<SectionReport> {
  await using data = await makeDataDirectory(context);
  await using holdfast = await startHoldfast({ dataDirectory: data.path });
  using client = new ControlClient(holdfast.port, credentials);
  await client.send({ method: "PUT", path: "/big" });
  const rows: Cell[][] = [];
  const shapes: Shape[] = [
    { parts: 80, partBytes: 64 * mebibyte },
    { parts: 1024, partBytes: 5 * mebibyte },
  ];
  for (const shape of shapes) {
    const size = `${shape.parts} × ${shape.partBytes / mebibyte} MiB`;
    const source = `/big/source-${shape.partBytes}`;
    await context.generator.runWithoutErrors(holdfast, {
      method: "PUT",
      path: source,
      bodyBytes: shape.partBytes,
      checksum: "crc32",
      distinctRequests: 1,
      requests: 1,
      connections: 1,
    });
    const entityTag = new RepeatedBody(shape.partBytes).digest("md5");
    const completions: number[] = [];
    const copies: number[] = [];
    for (let turn = 0; turn < context.options.rounds; turn += 1) {
      context.say(`big-objects: ${size}, turn ${turn + 1}`);
      const path = `/big/object-${shape.partBytes}-${turn}`;
      completions.push(await complete(client, { path, source, entityTag, ...shape }));
      const expected = shape.parts * shape.partBytes;
      for (let copy = 0; copy < 3; copy += 1) {
        copies.push(await copyObject(client, path, `${path}-copy-${copy}`, expected));
      }
    }
    rows.push(summarize("CompleteMultipartUpload", size, completions));
    rows.push(summarize("CopyObject", size, copies));
  }
  return {
    title: "5 GiB objects",
    columns: ["request", "parts", "median ms", "max ms", "requests", "target"],
    rows,
    notes: [
      "The parts are UploadPartCopy of one uploaded object; completed size 5 GiB " +
        `(${(80 * 64 * mebibyte) / gibibyte} GiB in either shape). Strict durability.`,
    ],
  };
}

interface BigUpload extends Shape {
  readonly path: string;
  readonly source: string;
  readonly entityTag: string;
}

async function complete(client: ControlClient, upload: BigUpload): Promise<number> {
  const { path } = upload;
  const created = await client.send({ method: "POST", path, query: "uploads=" });
  const uploadId = encodeURIComponent(findElement(created.body, "UploadId") ?? "");
  const headers = { "x-amz-copy-source": upload.source };
  const copyPart = async (number: number): Promise<void> => {
    const query = `partNumber=${number}&uploadId=${uploadId}`;
    await client.send({ method: "PUT", path, query, headers });
  };
  const atOnce = 16;
  for (let first = 1; first <= upload.parts; first += atOnce) {
    const last = Math.min(upload.parts, first + atOnce - 1);
    const numbers = Array.from({ length: last - first + 1 }, (_, offset) => first + offset);
    await Promise.all(numbers.map(copyPart));
  }
  const body = completionOf(upload.parts, upload.entityTag);
  const query = `uploadId=${uploadId}`;
  return (await client.send({ method: "POST", path, query, body })).milliseconds;
}

async function copyObject(
  client: ControlClient,
  source: string,
  path: string,
  expectedBytes: number,
): Promise<number> {
  const headers = { "x-amz-copy-source": source };
  const { milliseconds } = await client.send({ method: "PUT", path, headers });
  const { rawHeaders } = await client.send({ method: "HEAD", path });
  const position = rawHeaders.findIndex((name) => name.toLowerCase() === "content-length");
  if (Number(rawHeaders[position + 1]) !== expectedBytes) {
    throw new Error(`the copy has ${rawHeaders[position + 1]} bytes instead of ${expectedBytes}`);
  }
  return milliseconds;
}

function summarize(name: string, size: string, milliseconds: readonly number[]): Cell[] {
  const middle = median(milliseconds);
  const isMet = middle < targetMilliseconds;
  const target = `${isMet ? "meets" : "MISSES"} ${targetMilliseconds} ms`;
  return [name, size, middle, Math.max(...milliseconds), milliseconds.length, target];
}
