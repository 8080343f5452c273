// Where the server's log goes: the standard error stream, or a file that is put aside when it has grown
// too long and followed when somebody else moves it.

import { systemClock } from "../base/clock.ts";
import { destinationOf, Log, type LogFormat, type LogLevel } from "../telemetry/log.ts";
import { withRefuge } from "./log-refuge.ts";
import { RotatingFile, type RotatingFileOptions } from "./rotating-file.ts";

export interface ServerLogOptions {
  readonly level: LogLevel;
  readonly format: LogFormat;
  readonly requests: boolean;
  /** Absent: the standard error stream. */
  readonly file: RotatingFileOptions | undefined;
}

export interface ServerLog extends Disposable {
  readonly log: Log;
  /** Opens the file anew: it may have been moved or removed. */
  reopen(): void;
}

/** Throws the system's error when the file cannot be opened. */
export function openServerLog(options: ServerLogOptions): ServerLog {
  const { level, format, requests } = options;
  const errors = destinationOf(process.stderr);
  const file = options.file === undefined ? undefined : new RotatingFile(options.file);
  const destination = file === undefined ? errors : withRefuge(file, errors, "log");
  const log = new Log({ level, format, requests, clock: systemClock, destination });
  return {
    log,
    reopen() {
      log.flush();
      try {
        file?.reopen();
      } catch (error) {
        log.logFileUnwritable(error);
      }
    },
    [Symbol.dispose]() {
      log[Symbol.dispose]();
      file?.[Symbol.dispose]();
    },
  };
}
