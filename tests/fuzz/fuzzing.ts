// What the fuzzers share: a seed and a time for each, mutations of bytes, and the look at everything that
// a server sent on one connection. HOLDFAST_SEED repeats a run, HOLDFAST_FUZZ_SECONDS makes it longer.

import assert from "node:assert/strict";
import { RawClient } from "../http/raw-client.ts";
import { assertWellFormed, type RawAnswer } from "../raw/raw-client.ts";
import { chooseSeed, SeededRandom, withSeed } from "../simulation/seeded-random.ts";

const defaultSeconds = 2;
const parallelRuns = 4;

/** Of the servers: whoever sends half a request is let go of soon. */
export const hastyLimits = {
  headerTimeoutMilliseconds: 1000,
  idleTimeoutMilliseconds: 1000,
  keepAliveTimeoutMilliseconds: 1000,
  maximumDiscardMilliseconds: 200,
};

/** Runs `attempt` again and again, a few at a time, until the time is over; how often it ran. */
export async function fuzz(
  attempt: (random: SeededRandom, lane: number) => Promise<void>,
): Promise<number> {
  const seed = chooseSeed();
  const seconds = Number(process.env["HOLDFAST_FUZZ_SECONDS"] ?? defaultSeconds);
  const end = performance.now() + seconds * 1000;
  let attempts = 0;
  const runLane = async (lane: number): Promise<void> => {
    const random = new SeededRandom(seed + lane);
    while (performance.now() < end) {
      await attempt(random, lane);
      attempts += 1;
    }
  };
  await withSeed(seed, async () => {
    await Promise.all(Array.from({ length: parallelRuns }, (_, lane) => runLane(lane)));
  });
  return attempts;
}

/** One to four changes: bytes flipped, removed, repeated, moved, or replaced by something telling. */
export function mutate(
  random: SeededRandom,
  bytes: Buffer,
  tokens: readonly string[],
  from = 0,
  to = bytes.byteLength,
): Buffer {
  let result = bytes;
  let end = to;
  const changes = 1 + random.below(4);
  for (let change = 0; change < changes && end > from; change += 1) {
    const at = from + random.below(end - from);
    const length = Math.min(end - at, 1 + random.below(random.chance(0.2) ? 200 : 8));
    const [before, middle, after] = [
      result.subarray(0, at),
      result.subarray(at, at + length),
      result.subarray(at + length),
    ];
    const replaced = replacement(random, middle, tokens);
    result = Buffer.concat([before, replaced, after]);
    end += replaced.byteLength - length;
  }
  return result;
}

function replacement(random: SeededRandom, middle: Buffer, tokens: readonly string[]): Buffer {
  switch (random.below(6)) {
    case 0: {
      const flipped = Buffer.from(middle);
      const at = random.below(flipped.byteLength);
      flipped[at] = (flipped[at] as number) ^ (1 << random.below(8));
      return flipped;
    }
    case 1:
      return Buffer.alloc(0);
    case 2:
      return Buffer.concat([middle, middle]);
    case 3:
      return Buffer.from(random.bytes(middle.byteLength));
    case 4:
      return Buffer.concat([middle, Buffer.from(random.pick(tokens), "latin1")]);
    default:
      return Buffer.from(random.pick(tokens), "latin1");
  }
}

/** Sends bytes, ends the sending side, and reads until the server closes; every answer is checked. */
export async function converse(port: number, bytes: Uint8Array): Promise<readonly RawAnswer[]> {
  using client = await RawClient.connect(port);
  client.send(bytes);
  client.endSending();
  const answers = parseAnswers(await client.closed());
  for (const answer of answers) if (answer.status >= 200) assertSound(answer);
  return answers.filter(({ status }) => status >= 200);
}

/** A success, or an error that is S3's own and not a failure of the server. */
function assertSound(answer: RawAnswer): void {
  assertWellFormed(answer);
  const isKnown = answer.status < 500 || answer.status === 501;
  assert.ok(isKnown, `${answer.status}: ${answer.text}`);
}

function parseAnswers(bytes: Buffer): readonly RawAnswer[] {
  const answers: RawAnswer[] = [];
  let rest = bytes;
  while (rest.byteLength > 0) {
    const headEnd = rest.indexOf("\r\n\r\n");
    assert.ok(headEnd > 0, `no answer: ${JSON.stringify(rest.toString("latin1"))}`);
    const [statusLine = "", ...lines] = rest.subarray(0, headEnd).toString("latin1").split("\r\n");
    const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(statusLine)?.[1]);
    assert.ok(status >= 100, statusLine);
    const headers = new Map<string, string>();
    for (const line of lines) {
      const parts = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+): (.*)$/.exec(line);
      assert.ok(parts !== null, `no header: ${JSON.stringify(line)}`);
      headers.set((parts[1] as string).toLowerCase(), parts[2] as string);
    }
    rest = rest.subarray(headEnd + 4);
    const body = takeBody(rest, status, headers);
    rest = rest.subarray(body.takenBytes);
    answers.push({ status, headers, body: body.bytes, text: body.bytes.toString("utf8") });
  }
  return answers;
}

function takeBody(
  rest: Buffer,
  status: number,
  headers: ReadonlyMap<string, string>,
): { readonly bytes: Buffer; readonly takenBytes: number } {
  if (status < 200 || status === 204 || status === 304) {
    return { bytes: Buffer.alloc(0), takenBytes: 0 };
  }
  if (headers.get("transfer-encoding") !== "chunked") {
    const lengthBytes = Number(headers.get("content-length"));
    assert.ok(rest.byteLength >= lengthBytes, "the answer is whole");
    return { bytes: rest.subarray(0, lengthBytes), takenBytes: lengthBytes };
  }
  const parts: Buffer[] = [];
  let at = 0;
  for (;;) {
    const lineEnd = rest.indexOf("\r\n", at);
    assert.ok(lineEnd > at, "the answer's chunks are whole");
    const size = Number.parseInt(rest.subarray(at, lineEnd).toString("latin1"), 16);
    parts.push(rest.subarray(lineEnd + 2, lineEnd + 2 + size));
    at = lineEnd + 4 + size;
    if (size === 0) return { bytes: Buffer.concat(parts), takenBytes: at };
  }
}
