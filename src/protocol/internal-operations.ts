// Runs operations for the server's own administration, without a request: as the root of the account
// that owns what they are about, and without authorization, because nobody asks.

import type { ByteStream } from "../base/bytes.ts";
import type { IdentifiedCaller } from "../access/caller.ts";
import type { RequestAccess } from "../access/request-access.ts";
import { HttpHeaders } from "../http/http-message.ts";
import { S3Error } from "../model/errors.ts";
import type { OperationName } from "../model/types.generated.ts";
import { notImplemented, operations } from "../operations/index.ts";
import { Reply, SlowReply, type OperationContext } from "../operations/operation.ts";
import type { OperationInput } from "./decode-input.ts";
import { LazyPayload } from "./lazy-payload.ts";
import { PipelineContext, type ContextDependencies } from "./operation-context.ts";

/** The output of an operation that answers no stream. Throws S3Error. */
export type OperationRunner = (
  name: OperationName,
  input: OperationInput,
  caller: IdentifiedCaller,
  upload?: InternalUpload,
) => Promise<unknown>;

/** The body of an upload of the server's own. */
export interface InternalUpload {
  readonly body: ByteStream;
  readonly lengthBytes: number;
  readonly signal: AbortSignal;
}

export function createOperationRunner(dependencies: ContextDependencies): OperationRunner {
  return async (name, input, caller, upload) => {
    const operation = operations[name];
    if (operation === notImplemented) throw new S3Error("NotImplemented");
    const context = createInternalContext(dependencies, { input, caller, upload });
    // The table's own type has proven that the function fits the operation's name.
    const run = operation as unknown as (
      input: OperationInput,
      context: OperationContext,
    ) => Promise<unknown>;
    const result = await run(input, context);
    if (result instanceof SlowReply) return result.result;
    return result instanceof Reply ? result.output : result;
  };
}

/** What an operation needs that no request asks for. `access`: default, what the caller may do. */
export function createInternalContext(
  dependencies: ContextDependencies,
  internal: {
    readonly input: OperationInput;
    readonly caller: IdentifiedCaller;
    readonly access?: RequestAccess;
    readonly signal?: AbortSignal;
    readonly upload?: InternalUpload | undefined;
  },
): OperationContext {
  const { input, caller, access, upload } = internal;
  const signal = internal.signal ?? upload?.signal ?? new AbortController().signal;
  const request = {
    method: "POST",
    target: "/",
    headers: new HttpHeaders(
      upload === undefined ? [] : ["Content-Length", String(upload.lengthBytes)],
    ),
    body: upload?.body ?? noBytes(),
    hasBody: upload !== undefined,
    remoteAddress: "127.0.0.1",
    isEncrypted: true,
    signal,
  };
  const integrity = { kind: "unsigned" } as const;
  const bucket = input["Bucket"] as string | undefined;
  return new PipelineContext(
    dependencies,
    {
      request,
      requestId: "internal",
      hostId: "",
      query: [],
      address: {
        level: "bucket",
        bucket,
        key: undefined,
        rawPath: `/${bucket ?? ""}`,
        rawQuery: "",
        virtualHostBucket: undefined,
        isAccelerated: false,
        host: "localhost",
      },
      authentication: { caller, integrity, presigned: false, signatureVersion: "v4" },
      input,
      payload: new LazyPayload(request, integrity),
    },
    () => {},
    access,
  );
}

async function* noBytes(): AsyncGenerator<Uint8Array> {
  // An operation of administration has no body.
}
