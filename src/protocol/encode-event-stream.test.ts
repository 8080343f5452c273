import assert from "node:assert/strict";
import { test } from "node:test";
import { crc32 } from "node:zlib";
import { S3Error } from "../model/errors.ts";
import type { SelectObjectContentEventStream } from "../model/types.generated.ts";
import { compileEventStream } from "./encode-event-stream.ts";

interface Frame {
  readonly headers: Readonly<Record<string, string>>;
  readonly payload: string;
}

/** Reads a frame as the format's description has it, checksums included. */
function parseFrame(bytes: Uint8Array): Frame {
  const frame = Buffer.from(bytes);
  assert.equal(frame.readUInt32BE(0), frame.length);
  assert.equal(frame.readUInt32BE(8), crc32(frame.subarray(0, 8)));
  assert.equal(frame.readUInt32BE(frame.length - 4), crc32(frame.subarray(0, frame.length - 4)));
  const end = 12 + frame.readUInt32BE(4);
  const headers: Record<string, string> = {};
  let position = 12;
  while (position < end) {
    const nameEnd = position + 1 + frame.readUInt8(position);
    const name = frame.toString("latin1", position + 1, nameEnd);
    assert.equal(frame.readUInt8(nameEnd), 7);
    const valueEnd = nameEnd + 3 + frame.readUInt16BE(nameEnd + 1);
    headers[name] = frame.toString("utf8", nameEnd + 3, valueEnd);
    position = valueEnd;
  }
  return { headers, payload: frame.toString("utf8", end, frame.length - 4) };
}

async function encode(events: AsyncIterable<SelectObjectContentEventStream>): Promise<Frame[]> {
  const frames: Frame[] = [];
  for await (const bytes of compileEventStream("SelectObjectContentEventStream")(events)) {
    frames.push(parseFrame(bytes));
  }
  return frames;
}

async function* selected(): AsyncGenerator<SelectObjectContentEventStream> {
  yield { Records: { Payload: Buffer.from("a,b\n") } };
  yield { Cont: {} };
  yield { Stats: { Details: { BytesScanned: 4, BytesProcessed: 4, BytesReturned: 4 } } };
  yield { End: {} };
}

test("events become frames with checksums", async () => {
  const [records, continuation, stats, end] = await encode(selected());
  assert.deepEqual(records, {
    headers: {
      ":message-type": "event",
      ":event-type": "Records",
      ":content-type": "application/octet-stream",
    },
    payload: "a,b\n",
  });
  assert.deepEqual(continuation?.headers, { ":message-type": "event", ":event-type": "Cont" });
  assert.match(
    stats?.payload ?? "",
    /^<Stats [^>]*><BytesScanned>4<\/BytesScanned><BytesProcessed>4<\/BytesProcessed><BytesReturned>4</,
  );
  assert.equal(end?.headers[":event-type"], "End");
});

test("an error after the first record is a frame", async () => {
  const frames = await encode(
    (async function* () {
      yield* [{ Records: { Payload: Buffer.from("a") } }];
      throw new S3Error("InternalError");
    })(),
  );
  assert.deepEqual(frames[1]?.headers, {
    ":message-type": "error",
    ":error-code": "InternalError",
    ":error-message": "We encountered an internal error. Please try again.",
  });
});
