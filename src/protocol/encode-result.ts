// What an operation answers, encoded: at once, or, where it is long in coming, as an answer that has begun
// before its result is known.

import { Reply, SlowReply } from "../operations/operation.ts";
import type { EncodedOutput, Output, OutputEncoder } from "./encode-output.ts";
import type { Exchange } from "./exchange.ts";
import { awaitPatiently, keepAlive, type SlowReplyTiming } from "./slow-reply.ts";

export interface LateAnswers {
  readonly timing: SlowReplyTiming;
  /** The document of an error that comes inside a 200. */
  readonly encodeFailure: (exchange: Exchange, error: unknown) => string;
}

/** Rejects with what a slow operation fails with in time. */
export async function encodeResult(
  exchange: Exchange,
  encoder: OutputEncoder,
  result: unknown,
  late: LateAnswers,
): Promise<EncodedOutput> {
  if (result instanceof SlowReply) return encodeSlowly(exchange, encoder, result.result, late);
  if (result instanceof Reply) return encoder.encode(result.output as Output, result.status);
  return encoder.encode(result as Output, undefined);
}

async function encodeSlowly(
  exchange: Exchange,
  encoder: OutputEncoder,
  result: Promise<unknown>,
  late: LateAnswers,
): Promise<EncodedOutput> {
  const { timing, encodeFailure } = late;
  const state = await awaitPatiently(result, timing.patienceMilliseconds);
  if (state === "settled") return encodeResult(exchange, encoder, await result, late);
  const document = result.then(
    (output) => encoder.encodeLate((output instanceof Reply ? output.output : output) as Output),
    (error: unknown) => encodeFailure(exchange, error),
  );
  return {
    status: 200,
    headers: ["Content-Type", "application/xml"],
    body: keepAlive(document, timing.blankIntervalMilliseconds),
  };
}
