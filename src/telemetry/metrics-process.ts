// What a process costs and how late its event loop is.

import { monitorEventLoopDelay, performance } from "node:perf_hooks";

import type { MetricsCollection } from "./metrics.ts";

const nanosecondsPerSecond = 1e9;
const resolutionMilliseconds = 20;

export class ProcessMeter implements Disposable {
  readonly #delay = monitorEventLoopDelay({ resolution: resolutionMilliseconds });

  constructor() {
    this.#delay.enable();
  }

  collect(metrics: MetricsCollection): void {
    const { user, system } = process.cpuUsage();
    metrics.add("process_cpu_seconds_total", (user + system) / 1e6);
    const { rss, heapUsed } = process.memoryUsage();
    metrics.add("process_resident_memory_bytes", rss);
    metrics.add("holdfast_heap_used_bytes", heapUsed);
    metrics.add("process_start_time_seconds", performance.timeOrigin / 1000);
    const { active } = performance.eventLoopUtilization();
    metrics.add("holdfast_event_loop_active_seconds_total", active / 1000);
    this.#collectDelay(metrics);
  }

  [Symbol.dispose](): void {
    this.#delay.disable();
  }

  #collectDelay(metrics: MetricsCollection): void {
    const isEmpty = this.#delay.count === 0;
    const p99 = isEmpty ? 0 : lateSeconds(this.#delay.percentile(99));
    const greatest = isEmpty ? 0 : lateSeconds(this.#delay.max);
    metrics.add("holdfast_event_loop_delay_p99_seconds", p99);
    metrics.add("holdfast_event_loop_delay_max_seconds", greatest);
    this.#delay.reset();
  }
}

/** What is measured is the time from one look to the next: the pause between the two is part of it. */
function lateSeconds(nanoseconds: number): number {
  return Math.max(0, nanoseconds / nanosecondsPerSecond - resolutionMilliseconds / 1000);
}
