// Shows how far a check is: one line that is drawn anew on a terminal, a plain line every few seconds
// elsewhere. Findings are printed through here, so that they never tear the line.

import type { Clock } from "../../base/clock.ts";
import type { CheckOutput } from "./finding.ts";

export interface ProgressOptions {
  readonly output: CheckOutput;
  readonly isTerminal: boolean;
  readonly clock: Clock;
}

const redrawMilliseconds = 100;
const plainLineMilliseconds = 5000;
const barWidth = 24;
const clearLine = "\r\u001b[K";

export class CheckProgress {
  readonly #options: ProgressOptions;
  readonly #intervalMilliseconds: number;
  #phase = "";
  #unit = "";
  #expected = 0;
  #done = 0;
  #bytes = 0;
  #beganMilliseconds = 0;
  #shownMilliseconds = 0;
  #isLineShown = false;

  constructor(options: ProgressOptions) {
    this.#options = options;
    this.#intervalMilliseconds = options.isTerminal ? redrawMilliseconds : plainLineMilliseconds;
  }

  /** `expected`: how many items there may be; 0 when nobody knows. */
  begin(phase: string, unit: string, expected: number): void {
    this.#phase = phase;
    this.#unit = unit;
    this.#expected = expected;
    this.#done = 0;
    this.#bytes = 0;
    this.#beganMilliseconds = this.#options.clock.now();
    this.#shownMilliseconds = this.#options.isTerminal ? 0 : this.#beganMilliseconds;
  }

  advance(items: number, bytes: number): void {
    this.#done += items;
    this.#bytes += bytes;
    const now = this.#options.clock.now();
    if (now - this.#shownMilliseconds < this.#intervalMilliseconds) return;
    this.#shownMilliseconds = now;
    const { output, isTerminal } = this.#options;
    output.write(isTerminal ? `${clearLine}${this.#line(now)}` : `${this.#line(now)}\n`);
    this.#isLineShown = isTerminal;
  }

  print(line: string): void {
    this.clear();
    this.#options.output.write(`${line}\n`);
  }

  /** Takes the drawn line away. */
  clear(): void {
    if (this.#isLineShown) this.#options.output.write(clearLine);
    this.#isLineShown = false;
  }

  #line(now: number): string {
    const seconds = Math.max(0.001, (now - this.#beganMilliseconds) / 1000);
    const rate = `${formatCount(this.#done / seconds)} ${this.#unit}/s`;
    const byteRate = this.#bytes === 0 ? "" : ` ${formatBytes(this.#bytes / seconds)}/s`;
    const counted = `${this.#done} ${this.#unit}`;
    if (this.#expected === 0) return `${this.#phase}: ${counted}, ${rate}${byteRate}`;
    // What is expected is what counters said in the beginning: a busy store may hold more by now.
    const share = Math.min(1, this.#done / this.#expected);
    const remaining = share === 0 ? "?" : formatDuration((seconds * (1 - share)) / share);
    const filled = Math.round(share * barWidth);
    const bar = this.#options.isTerminal
      ? ` [${"#".repeat(filled)}${"-".repeat(barWidth - filled)}]`
      : "";
    const percent = `${Math.floor(share * 100)}%`;
    return `${this.#phase}:${bar} ${percent}, ${counted}, ${rate}${byteRate}, ${remaining} left`;
  }
}

export function formatBytes(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? Math.round(value) : value.toFixed(1)} ${units[unit] ?? ""}`;
}

function formatCount(count: number): string {
  return count >= 10_000 ? `${(count / 1000).toFixed(1)}k` : String(Math.round(count));
}

function formatDuration(seconds: number): string {
  const whole = Math.ceil(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}
