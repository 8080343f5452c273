// Answers of operations that may last longer than clients and proxies like to wait in silence. As S3
// does for CompleteMultipartUpload and CopyObject: 200 and the XML declaration after a while, blanks
// to keep the connection alive, and at the end the result, or an error inside the 200.

import type { ByteStream } from "../base/bytes.ts";
import { xmlDeclaration } from "./xml-writer.ts";

export interface SlowReplyTiming {
  /** How long an answer may take before the response begins without it. */
  readonly patienceMilliseconds: number;
  readonly blankIntervalMilliseconds: number;
}

// S3 promises no figures. A second covers all but the slowest calls, which keep their true status;
// ten seconds lie below the idle timeouts of common proxies.
export const defaultSlowReplyTiming: SlowReplyTiming = {
  patienceMilliseconds: 1000,
  blankIntervalMilliseconds: 10_000,
};

const pending = Symbol("pending");

/** `undefined` when `result` settled in time: the caller answers as for any other operation. */
export async function awaitPatiently(
  result: Promise<unknown>,
  patienceMilliseconds: number,
): Promise<"settled" | "pending"> {
  const settled = result.then(
    () => "settled" as const,
    () => "settled" as const,
  );
  const first = await raceTimer(settled, patienceMilliseconds);
  return first === pending ? "pending" : "settled";
}

/** The body of a response that begins before its result is known. `finish` never rejects. */
export async function* keepAlive(
  finish: Promise<string>,
  blankIntervalMilliseconds: number,
): ByteStream {
  yield Buffer.from(xmlDeclaration);
  for (;;) {
    const document = await raceTimer(finish, blankIntervalMilliseconds);
    if (document !== pending) {
      yield Buffer.from(document, "utf8");
      return;
    }
    yield Buffer.from(" ");
  }
}

async function raceTimer<Value>(
  promise: Promise<Value>,
  milliseconds: number,
): Promise<Value | typeof pending> {
  let timer: NodeJS.Timeout | undefined;
  const elapsed = new Promise<typeof pending>((resolve) => {
    timer = setTimeout(resolve, milliseconds, pending);
  });
  try {
    return await Promise.race([promise, elapsed]);
  } finally {
    clearTimeout(timer);
  }
}
