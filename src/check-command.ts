// `holdfast check`: opens an embedded store for reading, beside a running server or without one, and
// lets the check walk over it.

import { access } from "node:fs/promises";
import { join } from "node:path";
import { checkStore } from "./background/check.ts";
import type { CheckOutput } from "./background/check/finding.ts";
import { systemClock } from "./base/clock.ts";
import { openStoresToRead } from "./open-stores-to-read.ts";
import type { StorageOptions } from "./storage-options.ts";

export interface CheckCommandOptions {
  readonly dataDirectory: string;
  /** As the server has it: blobs lie in its stores too. */
  readonly storage?: StorageOptions | undefined;
  readonly output: CheckOutput;
  /** Draws a progress bar instead of plain lines. */
  readonly isTerminal: boolean;
  readonly signal?: AbortSignal;
}

/** The exit code: 0 nothing is wrong, 1 something is, 2 the check could not run to its end. */
export async function runCheck(options: CheckCommandOptions): Promise<number> {
  const { dataDirectory, output, isTerminal, signal } = options;
  try {
    await using stores = await openStoresToRead(dataDirectory, options.storage);
    output.write(`Checking ${dataDirectory}\n`);
    const result = await checkStore({
      store: stores.store,
      blobs: stores.blobs,
      clock: systemClock,
      output,
      isTerminal,
      ...(signal === undefined ? {} : { signal }),
    });
    return result.findingCount === 0 ? 0 : 1;
  } catch (error) {
    const reason = signal?.aborted === true ? "it was interrupted" : await explain(error, options);
    output.write(`The check could not run: ${reason}\n`);
    return 2;
  }
}

async function explain(error: unknown, { dataDirectory }: CheckCommandOptions): Promise<string> {
  if (!(await isStore(dataDirectory))) return `there is no store in ${dataDirectory}`;
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause instanceof Error ? `: ${error.cause.message}` : "";
  return `${error.message}${cause}`;
}

async function isStore(dataDirectory: string): Promise<boolean> {
  try {
    await access(join(dataDirectory, "metadata.sqlite"));
    return true;
  } catch {
    return false;
  }
}
