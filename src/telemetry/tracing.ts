// What a request does, and for how long, as spans of a trace: the request, its stages one after the
// other, and inside them what the stores do. Off unless configured; then a request pays for none of it.
// Knows no library: what becomes of spans is told by whoever makes the tracer (open-telemetry.ts).

import { AsyncLocalStorage } from "node:async_hooks";

export type SpanAttributes = Readonly<Record<string, string | number | boolean | undefined>>;

/** What took some time. */
export interface Span {
  /** A part of it, which begins now. */
  child(name: string, attributes?: SpanAttributes): Span;
  set(attributes: SpanAttributes): void;
  /** `failure`: why it did not succeed. Called once. */
  end(failure?: unknown): void;
}

/** The whole of a request. */
export interface RequestSpan extends Span {
  /** Hexadecimal, as the log and others name the trace. */
  readonly traceId: string;
  name(name: string): void;
}

/** Makes spans and sees to it that they arrive somewhere. */
export interface Tracer extends AsyncDisposable {
  /** `traceparent` and `tracestate` as the client sent them (W3C Trace Context). */
  begin(context: {
    readonly traceparent: string | undefined;
    readonly tracestate: string | undefined;
  }): RequestSpan;
}

/** How a request ended. */
export interface RequestEnd {
  /** Of the span: `s3:GetObject`. */
  readonly name: string;
  readonly attributes: SpanAttributes;
  readonly failure: unknown;
}

export class RequestTrace {
  readonly #span: RequestSpan;
  #stage: Span | undefined;

  constructor(span: RequestSpan) {
    this.#span = span;
  }

  get traceId(): string {
    return this.#span.traceId;
  }

  /** What happens from now on belongs to the stage; the one before it has ended. */
  enter(stage: string): void {
    this.#stage?.end();
    this.#stage = this.#span.child(stage);
  }

  /** A part of the stage in which the request is. */
  part(name: string, attributes?: SpanAttributes): Span {
    return (this.#stage ?? this.#span).child(name, attributes);
  }

  end({ name, attributes, failure }: RequestEnd): void {
    this.#stage?.end();
    this.#span.name(name);
    this.#span.set(attributes);
    this.#span.end(failure);
  }
}

/** The traces of one server. */
export class Tracing implements AsyncDisposable {
  readonly #tracer: Tracer;
  readonly #active = new AsyncLocalStorage<RequestTrace>();

  constructor(tracer: Tracer) {
    this.#tracer = tracer;
  }

  /** Of the request that the caller works for; `undefined`: for none. */
  get active(): RequestTrace | undefined {
    return this.#active.getStore();
  }

  /** Everything that `action` does, also later, belongs to the request that begins now. */
  begin<Result>(context: Parameters<Tracer["begin"]>[0], action: () => Result): Result {
    return this.#active.run(new RequestTrace(this.#tracer.begin(context)), action);
  }

  /** A part of the active request, if there is one. */
  async part<Result>(
    name: string,
    attributes: SpanAttributes,
    action: (span: Span | undefined) => Promise<Result>,
  ): Promise<Result> {
    const span = this.active?.part(name, attributes);
    if (span === undefined) return action(undefined);
    try {
      const result = await action(span);
      span.end();
      return result;
    } catch (error) {
      span.end(error);
      throw error;
    }
  }

  /** A stream that works for the request also when somebody else reads it: its answer's body. */
  bind<Chunk>(trace: RequestTrace, stream: AsyncIterable<Chunk>): AsyncIterable<Chunk> {
    const active = this.#active;
    return {
      [Symbol.asyncIterator]() {
        const iterator = active.run(trace, () => stream[Symbol.asyncIterator]());
        return {
          next: () => active.run(trace, () => iterator.next()),
          return: async () =>
            (await active.run(trace, () => iterator.return?.())) ?? {
              done: true,
              value: undefined,
            },
        };
      },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#tracer[Symbol.asyncDispose]();
  }
}
