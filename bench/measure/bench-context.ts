// What every section gets: the options of the command line, the generator, and a place for data.

import { rmSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import type { GeneratorProcess } from "./generator-process.ts";
import type { SectionReport } from "./report.ts";

export interface BenchOptions {
  readonly quick: boolean;
  readonly rounds: number;
  readonly roundMilliseconds: number;
  /** Keys in the bucket of the list section. */
  readonly keys: number;
  readonly dataParent: string;
  /** A data directory loaded before; kept, and loaded when it is empty. */
  readonly listData: string | undefined;
  /** The same for the section `memory`: a directory for each number of objects. */
  readonly walkData: string | undefined;
  /** Only rows whose name holds this text are measured. */
  readonly only: string | undefined;
}

export interface BenchContext {
  readonly options: BenchOptions;
  readonly generator: GeneratorProcess;
  /** Progress, on standard error, so that the tables can be redirected. */
  readonly say: (text: string) => void;
}

export type Section = (context: BenchContext) => Promise<SectionReport>;

export function isWanted(context: BenchContext, name: string): boolean {
  return context.options.only === undefined || name.includes(context.options.only);
}

export class DataDirectory implements AsyncDisposable {
  readonly path: string;

  readonly #removeAtExit = (): void => rmSync(this.path, { recursive: true, force: true });

  constructor(path: string) {
    this.path = path;
    process.once("exit", this.#removeAtExit);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    process.off("exit", this.#removeAtExit);
    await rm(this.path, { recursive: true, force: true });
  }
}

export async function makeDataDirectory(context: BenchContext): Promise<DataDirectory> {
  return new DataDirectory(await mkdtemp(join(context.options.dataParent, "holdfast-bench-")));
}
