// The version of this very server.

import { readFile } from "node:fs/promises";

/** From package.json, which stands above src/ in a checkout and above dist/src/ in the package. */
export async function readVersion(): Promise<string> {
  for (const path of ["../../package.json", "../../../package.json"]) {
    try {
      const content = await readFile(new URL(path, import.meta.url), "utf8");
      const { version } = JSON.parse(content) as { version?: string };
      if (version !== undefined) return version;
    } catch {
      // Not here: the next place.
    }
  }
  return "unknown";
}
