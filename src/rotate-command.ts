// `holdfast rotate-master-key`: adds a master key to a data directory, beside a running server or
// without one. What earlier keys have sealed stays as it is, and readable.

import { resolve } from "node:path";
import type { Configuration } from "./config-settings.ts";
import {
  readGivenMasterKey,
  refreshMilliseconds,
  rotateMasterKey,
} from "./start-up/master-keys.ts";

/** The exit code. */
export async function runRotateMasterKey(
  configuration: Configuration,
  output: { write(text: string): unknown },
): Promise<number> {
  const given = await readGivenMasterKey(configuration);
  const id = await rotateMasterKey(resolve(configuration.dataDirectory), given);
  output.write(
    `Master key ${id} was added. A running server uses it within ${refreshMilliseconds / 1000} seconds.\n` +
      "Earlier keys stay, because data is sealed by them: keep a new backup of master-keys.json.\n",
  );
  return 0;
}
