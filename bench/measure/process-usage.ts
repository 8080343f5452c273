// CPU time and memory of a server as the kernel counts them: all threads of the process and of every
// process below it, so that workers and writer threads cannot hide.

import { readFile, readdir, writeFile } from "node:fs/promises";

/** `sysconf(_SC_CLK_TCK)`: 100 on every Linux that Node.js runs on. */
const ticksPerSecond = 100;

/** User and system time in seconds; it grows in steps of 10 ms. */
export async function readCpuSeconds(processId: number): Promise<number> {
  let ticks = 0;
  for (const id of await processTree(processId)) {
    const text = await readFile(`/proc/${id}/stat`, "latin1");
    // The name in parentheses may hold blanks: count the fields after it. utime is 14, stime 15.
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    ticks += Number(fields[11]) + Number(fields[12]);
  }
  return ticks / ticksPerSecond;
}

export interface MemoryUse {
  readonly residentMebibytes: number;
  /** Of these, pages that belong to no file, and those of files. */
  readonly anonymousMebibytes: number;
  readonly fileMebibytes: number;
  /** Sum of the peaks of the processes, which need not have been at one time. */
  readonly peakMebibytes: number;
  readonly processes: number;
}

export async function readMemory(processId: number): Promise<MemoryUse> {
  const ids = await processTree(processId);
  let resident = 0;
  let anonymous = 0;
  let peak = 0;
  for (const id of ids) {
    const status = await readFile(`/proc/${id}/status`, "latin1");
    resident += kibibytes(status, "VmRSS");
    anonymous += kibibytes(status, "RssAnon");
    peak += kibibytes(status, "VmHWM");
  }
  return {
    residentMebibytes: resident / 1024,
    anonymousMebibytes: anonymous / 1024,
    fileMebibytes: (resident - anonymous) / 1024,
    peakMebibytes: peak / 1024,
    processes: ids.length,
  };
}

/** Makes the present use the peak, so that the next phase has a peak of its own. */
export async function resetPeakMemory(processId: number): Promise<void> {
  for (const id of await processTree(processId)) await writeFile(`/proc/${id}/clear_refs`, "5");
}

async function processTree(processId: number): Promise<number[]> {
  const ids = [processId];
  for (const thread of await readdir(`/proc/${processId}/task`)) {
    const text = await readFile(`/proc/${processId}/task/${thread}/children`, "latin1").catch(
      () => "",
    );
    for (const child of text.split(" ").filter((id) => id !== "")) {
      ids.push(...(await processTree(Number(child))));
    }
  }
  return ids;
}

function kibibytes(status: string, field: string): number {
  const found = new RegExp(`^${field}:\\s+(\\d+) kB`, "m").exec(status);
  return Number(found?.[1] ?? 0);
}
