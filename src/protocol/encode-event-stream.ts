// Frames of `application/vnd.amazon.eventstream`, in which S3 Select answers: prelude, headers,
// payload, and a CRC-32 over the prelude and one over the whole.

import { crc32 } from "node:zlib";
import { S3Error } from "../model/errors.ts";
import type { ShapeDefinition } from "../model/operation-table.ts";
import { shapes } from "../model/operations.generated.ts";
import { compileValueDocument } from "./xml-writer.ts";

type EventEncoder = (event: Readonly<Record<string, unknown>>) => Uint8Array;

/** `unionName` is the shape whose members are the events. */
export function compileEventStream(
  unionName: string,
): (events: AsyncIterable<unknown>) => AsyncIterable<Uint8Array> {
  const encoders = new Map<string, EventEncoder>();
  for (const { name, type } of (shapes[unionName] as ShapeDefinition).members) {
    if (typeof type === "object" && "structure" in type) {
      encoders.set(name, compileEvent(name, shapes[type.structure] as ShapeDefinition));
    }
  }
  return (events) => encodeEvents(events, encoders);
}

async function* encodeEvents(
  events: AsyncIterable<unknown>,
  encoders: ReadonlyMap<string, EventEncoder>,
): AsyncGenerator<Uint8Array> {
  try {
    for await (const event of events) {
      for (const [name, value] of Object.entries(event as Record<string, unknown>)) {
        const encode = encoders.get(name);
        if (encode !== undefined && value !== undefined) {
          yield encode(value as Readonly<Record<string, unknown>>);
        }
      }
    }
  } catch (error) {
    // The status has long been sent: an error is the last frame.
    if (!(error instanceof S3Error)) throw error;
    yield frame(
      { ":message-type": "error", ":error-code": error.code, ":error-message": error.message },
      new Uint8Array(0),
    );
  }
}

function compileEvent(name: string, shape: ShapeDefinition): EventEncoder {
  const headers = { ":message-type": "event", ":event-type": name };
  const payload = shape.members.find((member) => member.eventPayload === true);
  if (payload === undefined) return () => frame(headers, new Uint8Array(0));
  const { name: member, type } = payload;
  if (type === "bytes") {
    const withType = { ...headers, ":content-type": "application/octet-stream" };
    return (event) =>
      frame(withType, (event[member] as Uint8Array | undefined) ?? new Uint8Array(0));
  }
  const root = typeof type === "object" && "structure" in type ? type.structure : member;
  const write = compileValueDocument(root, type);
  const withType = { ...headers, ":content-type": "text/xml" };
  return (event) => frame(withType, Buffer.from(write(event[member] ?? {}), "utf8"));
}

const stringHeader = 7;
const preludeBytes = 8;
const checksumBytes = 4;

function frame(headers: Readonly<Record<string, string>>, payload: Uint8Array): Uint8Array {
  const encoded = Buffer.concat(Object.entries(headers).map(encodeHeader));
  const length = preludeBytes + checksumBytes + encoded.length + payload.length + checksumBytes;
  const message = Buffer.alloc(length);
  message.writeUInt32BE(length, 0);
  message.writeUInt32BE(encoded.length, 4);
  message.writeUInt32BE(crc32(message.subarray(0, preludeBytes)), preludeBytes);
  encoded.copy(message, preludeBytes + checksumBytes);
  message.set(payload, preludeBytes + checksumBytes + encoded.length);
  message.writeUInt32BE(crc32(message.subarray(0, length - checksumBytes)), length - checksumBytes);
  return message;
}

function encodeHeader([name, value]: [string, string]): Uint8Array {
  const bytes = Buffer.from(value, "utf8");
  const header = Buffer.alloc(1 + name.length + 3);
  header.writeUInt8(name.length, 0);
  header.write(name, 1, "latin1");
  header.writeUInt8(stringHeader, 1 + name.length);
  header.writeUInt16BE(bytes.length, 2 + name.length);
  return Buffer.concat([header, bytes]);
}
