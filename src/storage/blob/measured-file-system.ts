// A file system that counts what its syncs take, between the blob store and the real one.

import { durationBoundsSeconds, Histogram, type HistogramState } from "../../base/histogram.ts";
import { type FileSystem, nodeFileSystem } from "./file-system.ts";

/** In buckets of `durationBoundsSeconds`; failed ones are counted apart. */
export interface SyncStatistics {
  readonly seconds: HistogramState;
  readonly failures: number;
}

type Sync = (descriptor: number) => Promise<void>;

class SyncMeter {
  readonly #seconds = new Histogram(durationBoundsSeconds);
  #failures = 0;

  get statistics(): SyncStatistics {
    return { seconds: this.#seconds.state, failures: this.#failures };
  }

  measure(sync: Sync): Sync {
    return async (descriptor) => {
      const beganMilliseconds = performance.now();
      try {
        await sync(descriptor);
      } catch (error) {
        this.#failures += 1;
        throw error;
      }
      this.#seconds.record((performance.now() - beganMilliseconds) / 1000);
    };
  }
}

export class MeasuredFileSystem {
  readonly #data = new SyncMeter();
  readonly #directories = new SyncMeter();
  readonly files: FileSystem;

  constructor(files: FileSystem = nodeFileSystem) {
    this.files = {
      ...files,
      syncData: this.#data.measure((descriptor) => files.syncData(descriptor)),
      syncDirectory: this.#directories.measure((descriptor) => files.syncDirectory(descriptor)),
    };
  }

  get statistics(): { readonly data: SyncStatistics; readonly directory: SyncStatistics } {
    return { data: this.#data.statistics, directory: this.#directories.statistics };
  }
}
