// The server's own log: buffered lines for people or, as JSON, for machines; one method per event, so
// that the words and fields of an event stand in one place. Never a secret, a query or a header.

import type { Clock } from "../base/clock.ts";

export const logLevels = ["silent", "error", "warning", "info", "debug"] as const;
export type LogLevel = (typeof logLevels)[number];
export type LogFormat = "text" | "json";

export interface LogOptions {
  readonly level: LogLevel;
  readonly format: LogFormat;
  readonly clock: Clock;
  /** Records of every request; also on at level `debug`. */
  readonly requests: boolean;
  /** Takes whole lines; `bufferedBytes` says how much it has not passed on yet. */
  readonly destination: LogDestination;
}

export interface LogDestination {
  write(lines: string): void;
  readonly bufferedBytes: number;
}

/** One handled request. Names only: a target may carry a presigned signature. */
export interface RequestRecord {
  readonly requestId: string;
  readonly method: string;
  readonly operation: string | undefined;
  readonly bucket: string | undefined;
  readonly key: string | undefined;
  readonly status: number;
  readonly errorCode: string | undefined;
  readonly durationMilliseconds: number;
  readonly bytesSent: number;
  readonly remoteAddress: string;
  /** Where requests are traced. */
  readonly traceId?: string | undefined;
}

/** Where a failure happened. */
export interface FailureContext {
  readonly requestId: string;
  readonly operation?: string | undefined;
  readonly bucket?: string | undefined;
  readonly key?: string | undefined;
}

type Fields = Readonly<Record<string, string | number | boolean | undefined>>;

/** Lines waiting for the next turn of the event loop, or this many characters, are written at once. */
const flushCharacters = 64 * 1024;
/** A destination that does not keep up loses lines rather than filling the memory; the loss is logged. */
const maximumBufferedBytes = 8 * 1024 * 1024;

export class Log implements Disposable {
  readonly #options: LogOptions;
  readonly #threshold: number;
  /** Whether `requestFinished` does anything: callers can spare themselves the record. */
  readonly logsRequests: boolean;
  #lines: string[] = [];
  #characters = 0;
  #droppedLines = 0;
  #scheduled: NodeJS.Immediate | undefined;

  constructor(options: LogOptions) {
    this.#options = options;
    this.#threshold = logLevels.indexOf(options.level);
    this.logsRequests =
      options.level !== "silent" && (options.requests || options.level === "debug");
  }

  serverStarted(fields: { endpoint: string; adminEndpoint?: string; workers: number }): void {
    this.#add("info", "server started", fields);
  }

  serverDraining(fields: { reason: string; timeoutMilliseconds: number }): void {
    this.#add("info", "server draining", fields);
  }

  serverStopped(fields: { everyRequestFinished: boolean }): void {
    this.#add(fields.everyRequestFinished ? "info" : "warning", "server stopped", fields);
  }

  /** Something was made as the configuration file declares it. */
  provisioned(fields: { change: string }): void {
    this.#add("info", "provisioned", fields);
  }

  workerStarted(fields: { worker: number; processId: number }): void {
    this.#add("info", "worker started", fields);
  }

  workerDied(fields: {
    worker: number;
    processId: number;
    cause: string;
    restartMilliseconds: number;
  }): void {
    this.#add("error", "worker died", fields);
  }

  /** A request was answered InternalError: `cause` is a bug or a failure of the machine. */
  requestFailed(context: FailureContext, cause: unknown): void {
    this.#add("error", "request failed", { ...context, ...describeCause(cause) });
  }

  /** A response broke off after its handler had handed it over. */
  responseBroken(fields: { method: string }, cause: unknown): void {
    this.#add("error", "response broken off", { ...fields, ...describeCause(cause) });
  }

  /** A request was refused before it reached a handler. */
  requestRefused(fields: { reason: string }): void {
    this.#add("debug", "request refused", fields);
  }

  requestFinished(record: RequestRecord): void {
    if (this.logsRequests) this.#append("info", "request", { ...record });
  }

  /** A background worker finished a round. */
  roundFinished(fields: { worker: string } & Fields): void {
    this.#add("debug", "background round finished", fields);
  }

  /** A background worker's round failed; it will be tried again. */
  roundFailed(worker: string, cause: unknown): void {
    this.#add("error", "background round failed", { worker, ...describeCause(cause) });
  }

  /** Records of requests were not kept. */
  accessLogFailed(cause: unknown): void {
    this.#add("error", "access log not written", describeCause(cause));
  }

  /** A target bucket does not take the records that it is to get; they are dropped. */
  accessLogRefused(fields: { target: string; code: string }): void {
    this.#add("warning", "access log refused", fields);
  }

  /** A destination of notifications did not take a test message. `error` holds no secrets. */
  destinationFailed(fields: { destination: string; error: string }): void {
    this.#add("warning", "notification destination failed", fields);
  }

  /** The sweeper removed what no record names. */
  sweepFinished(fields: { blobs: number; records: number; durationMilliseconds: number }): void {
    this.#add(fields.blobs + fields.records > 0 ? "info" : "debug", "sweep finished", fields);
  }

  /** The file of the master keys has changed and cannot be read; the server goes on with those it has. */
  masterKeysUnreadable(cause: unknown): void {
    this.#add("error", "master keys unreadable", describeCause(cause));
  }

  /** Spans could not be sent to their collector; told once a minute. */
  tracesLost(cause: unknown): void {
    this.#add("warning", "traces lost", describeCause(cause));
  }

  /** The log's file cannot be opened anew; what was open stays open. */
  logFileUnwritable(cause: unknown): void {
    this.#add("error", "log file unwritable", describeCause(cause));
  }

  /** Writes what is buffered. */
  flush(): void {
    if (this.#scheduled !== undefined) clearImmediate(this.#scheduled);
    this.#scheduled = undefined;
    const { destination } = this.#options;
    if (this.#droppedLines > 0 && destination.bufferedBytes < maximumBufferedBytes) {
      const lines = this.#droppedLines;
      this.#droppedLines = 0;
      this.#lines.push(this.#format("warning", "log lines dropped", { lines }));
    }
    if (this.#lines.length === 0) return;
    const text = this.#lines.join("");
    this.#lines = [];
    this.#characters = 0;
    destination.write(text);
  }

  [Symbol.dispose](): void {
    this.flush();
  }

  #add(level: LogLevel, event: string, fields: Fields): void {
    if (logLevels.indexOf(level) <= this.#threshold) this.#append(level, event, fields);
  }

  #append(level: LogLevel, event: string, fields: Fields): void {
    if (this.#options.destination.bufferedBytes > maximumBufferedBytes) {
      this.#droppedLines += 1;
      return;
    }
    const line = this.#format(level, event, fields);
    this.#lines.push(line);
    this.#characters += line.length;
    if (level === "error" || this.#characters > flushCharacters) this.flush();
    else this.#scheduled ??= setImmediate(() => this.flush());
  }

  #format(level: LogLevel, event: string, fields: Fields): string {
    const time = new Date(this.#options.clock.now()).toISOString();
    if (this.#options.format === "json") {
      return `${JSON.stringify({ time, level, event, ...fields })}\n`;
    }
    let line = `${time} ${level.padEnd(7)} ${event}`;
    for (const [name, value] of Object.entries(fields)) {
      if (value === undefined) continue;
      line += ` ${name}=${typeof value === "string" ? quote(value) : value}`;
    }
    return `${line}\n`;
  }
}

/** Lines go to a stream such as `process.stderr`. */
export function destinationOf(stream: NodeJS.WritableStream): LogDestination {
  return {
    write: (lines) => void stream.write(lines),
    get bufferedBytes() {
      return "writableLength" in stream ? Number(stream.writableLength) : 0;
    },
  };
}

/** Plain words stay plain; everything else is quoted so that no value can forge a line. */
function quote(value: string): string {
  return /^[\w.:/@+-]+$/.test(value) ? value : JSON.stringify(value);
}

function describeCause(cause: unknown): Fields {
  if (!(cause instanceof Error)) return { cause: String(cause) };
  const root = cause.cause instanceof Error ? `; caused by ${cause.cause.stack ?? ""}` : "";
  return { cause: `${cause.stack ?? cause.message}${root}` };
}
