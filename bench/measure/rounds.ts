// Figures out of rounds. Rounds of the compared servers alternate and the median of each figure is
// kept, since a shared machine has slow seconds; a ratio is the median of the ratios of neighbours.

import type { Round } from "./generator-process.ts";

const mebibyte = 1024 * 1024;

export async function alternate(
  count: number,
  sides: readonly (() => Promise<Round>)[],
): Promise<Round[][]> {
  const rounds: Round[][] = sides.map(() => []);
  for (let turn = 0; turn < count; turn += 1) {
    for (const [side, run] of sides.entries()) (rounds[side] as Round[]).push(await run());
  }
  return rounds;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right);
  const middle = sorted.length >> 1;
  if (sorted.length % 2 === 1) return sorted[middle] as number;
  return ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
}

export function medianOf(rounds: readonly Round[], figure: (round: Round) => number): number {
  return median(rounds.map(figure));
}

export function medianRatio(
  rounds: readonly Round[],
  floor: readonly Round[],
  figure: (round: Round) => number,
): number {
  return median(rounds.map((round, turn) => figure(round) / figure(floor[turn] as Round)));
}

export function requestsPerSecond(round: Round): number {
  return round.requests / round.seconds;
}

export function requestsPerCpuSecond(round: Round): number {
  return round.requests / Math.max(round.serverCpuSeconds, 0.01);
}

export function mebibytesPerSecond(round: Round): number {
  return (round.bytesReceived + round.bytesSent) / mebibyte / round.seconds;
}

export function mebibytesPerCpuSecond(round: Round): number {
  return (
    (round.bytesReceived + round.bytesSent) / mebibyte / Math.max(round.serverCpuSeconds, 0.01)
  );
}

export function sumErrors(rounds: readonly Round[]): number {
  return rounds.reduce((sum, round) => sum + round.errors, 0);
}

/** Share of one core that the generator took: near 1 it was the limit itself. */
export function generatorLoad(round: Round): number {
  return round.generatorCpuSeconds / round.seconds;
}
