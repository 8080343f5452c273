// What a log's file does not take goes to the standard error stream: a full disk must not end the server,
// and no line is lost without a trace.

import type { LogDestination } from "../telemetry/log.ts";
import type { RotatingFile } from "./rotating-file.ts";

/** `name`: of the log. */
export function withRefuge(
  file: RotatingFile,
  errors: LogDestination,
  name: string,
): LogDestination {
  let isBroken = false;
  return {
    get bufferedBytes() {
      return errors.bufferedBytes;
    },
    write(lines) {
      try {
        file.write(lines);
        isBroken = false;
      } catch (error) {
        if (!isBroken) errors.write(`holdfast: cannot write the ${name} file: ${String(error)}\n`);
        isBroken = true;
        errors.write(lines);
      }
    },
  };
}
