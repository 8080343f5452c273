// Stores that tell the trace of the request that uses them what they take. In place only where traces are
// configured.

import type { TransientByteStream } from "../base/bytes.ts";
import type { BlobId, BlobReader, BlobStore, WrittenBlob } from "../storage/blob/blob-store.ts";
import type {
  KeyValueStore,
  ReadRequest,
  ReadResult,
  WriteRequest,
  WriteResult,
} from "../storage/key-value/key-value-store.ts";
import type { RequestTrace, Tracing } from "../telemetry/tracing.ts";

export class TracedKeyValueStore implements KeyValueStore {
  readonly #store: KeyValueStore;
  readonly #tracing: Tracing;

  constructor(store: KeyValueStore, tracing: Tracing) {
    this.#store = store;
    this.#tracing = tracing;
  }

  read(request: ReadRequest): Promise<ReadResult> {
    const { gets = [], ranges = [] } = request;
    const attributes = { "holdfast.gets": gets.length, "holdfast.ranges": ranges.length };
    return this.#tracing.part("store read", attributes, () => this.#store.read(request));
  }

  write(request: WriteRequest): Promise<WriteResult> {
    const { sets, deletes, additions } = request;
    const rows = sets.length + deletes.length + additions.length;
    return this.#tracing.part("store commit", { "holdfast.rows": rows }, async (span) => {
      const result = await this.#store.write(request);
      span?.set({ "holdfast.committed": result.committed });
      return result;
    });
  }

  [Symbol.asyncDispose](): PromiseLike<void> {
    return this.#store[Symbol.asyncDispose]();
  }
}

export class TracedBlobStore implements BlobStore {
  readonly #store: BlobStore;
  readonly #tracing: Tracing;

  constructor(store: BlobStore, tracing: Tracing) {
    this.#store = store;
    this.#tracing = tracing;
  }

  get writerId(): BlobStore["writerId"] {
    return this.#store.writerId;
  }

  /** Lasts as long as its bytes come: of an upload, as long as the client sends. */
  write(source: TransientByteStream): Promise<WrittenBlob> {
    return this.#tracing.part("blob write", {}, async (span) => {
      const written = await this.#store.write(source);
      span?.set({ "holdfast.bytes": written.lengthBytes });
      return written;
    });
  }

  async open(id: BlobId): Promise<BlobReader> {
    const trace = this.#tracing.active;
    if (trace === undefined) return this.#store.open(id);
    const reader = await this.#tracing.part("blob open", {}, () => this.#store.open(id));
    return new TracedBlobReader(reader, trace);
  }

  delete(id: BlobId): Promise<void> {
    return this.#tracing.part("blob delete", {}, () => this.#store.delete(id));
  }

  list(after: BlobId | undefined, limit: number): Promise<readonly BlobId[]> {
    return this.#store.list(after, limit);
  }

  [Symbol.asyncDispose](): PromiseLike<void> {
    return this.#store[Symbol.asyncDispose]();
  }
}

class TracedBlobReader implements BlobReader {
  readonly #reader: BlobReader;
  readonly #trace: RequestTrace;

  constructor(reader: BlobReader, trace: RequestTrace) {
    this.#reader = reader;
    this.#trace = trace;
  }

  get lengthBytes(): number {
    return this.#reader.lengthBytes;
  }

  read(start: number, end: number): TransientByteStream {
    return this.#traced(this.#reader.read(start, end), end - start);
  }

  readTransient(start: number, end: number): TransientByteStream {
    return this.#traced(this.#reader.readTransient(start, end), end - start);
  }

  readUnverified(start: number, end: number): TransientByteStream {
    return this.#traced(this.#reader.readUnverified(start, end), end - start);
  }

  [Symbol.asyncDispose](): PromiseLike<void> {
    return this.#reader[Symbol.asyncDispose]();
  }

  /** Lasts as long as the bytes are taken: of a download, as long as the client does. */
  async *#traced(stream: TransientByteStream, bytes: number): TransientByteStream {
    const span = this.#trace.part("blob read", { "holdfast.bytes": bytes });
    let failure: unknown;
    try {
      yield* stream;
    } catch (error) {
      failure = error;
      throw error;
    } finally {
      span.end(failure);
    }
  }
}
