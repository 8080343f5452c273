// Reads V8's sampling profiles: time of functions by themselves, time with all that they call, and the
// same summed up by folder. An awaited call is not inside its caller's time: its stack is its own.

export interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly children?: readonly number[];
    readonly callFrame: { functionName: string; url: string; lineNumber: number };
  }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

export interface FunctionTime {
  readonly name: string;
  readonly place: string;
  /** Shares of the time in which the thread was not idle. */
  readonly ownShare: number;
  readonly totalShare: number;
  readonly ownMilliseconds: number;
}

export interface ProfileSummary {
  readonly busyMilliseconds: number;
  readonly functions: readonly FunctionTime[];
  /** Own time by folder of the source, largest first. */
  readonly folders: readonly { readonly folder: string; readonly share: number }[];
}

interface Sums {
  own: number;
  total: number;
}

export function summarizeProfile(profile: CpuProfile): ProfileSummary {
  const parents = new Map<number, number>();
  const names = new Map<number, string>();
  for (const { id, children, callFrame } of profile.nodes) {
    for (const child of children ?? []) parents.set(child, id);
    const { functionName, url, lineNumber } = callFrame;
    const place = url === "" ? "" : `${shorten(url)}:${lineNumber + 1}`;
    names.set(id, `${functionName || "(anonymous)"}\n${place}`);
  }
  const sums = new Map<string, Sums>();
  const folders = new Map<string, number>();
  let busy = 0;
  for (const [position, id] of profile.samples.entries()) {
    const name = names.get(id) ?? "";
    if (name === "(idle)\n" || name === "(program)\n") continue;
    const time = profile.timeDeltas[position] ?? 0;
    busy += time;
    sumsOf(sums, name).own += time;
    const folder = folderOf(name);
    folders.set(folder, (folders.get(folder) ?? 0) + time);
    // A recursive function counts once per sample.
    const onStack = new Set<string>();
    for (let node: number | undefined = id; node !== undefined; node = parents.get(node)) {
      onStack.add(names.get(node) ?? "");
    }
    for (const each of onStack) sumsOf(sums, each).total += time;
  }
  const functions = [...sums].map(([key, { own, total }]) => {
    const [name = "", place = ""] = key.split("\n");
    const shares = { ownShare: own / busy, totalShare: total / busy };
    return { name, place, ...shares, ownMilliseconds: own / 1000 };
  });
  return {
    busyMilliseconds: busy / 1000,
    functions: functions.toSorted((left, right) => right.ownShare - left.ownShare),
    folders: [...folders]
      .map(([folder, time]) => ({ folder, share: time / busy }))
      .toSorted((left, right) => right.share - left.share),
  };
}

function sumsOf(sums: Map<string, Sums>, name: string): Sums {
  const found = sums.get(name);
  if (found !== undefined) return found;
  const made = { own: 0, total: 0 };
  sums.set(name, made);
  return made;
}

function folderOf(name: string): string {
  const [functionName = "", place = ""] = name.split("\n");
  if (place === "") return functionName === "(garbage collector)" ? functionName : "native calls";
  const path = place.slice(0, place.lastIndexOf(":"));
  if (path.startsWith("node:")) return "node:*";
  return path.startsWith("src/") ? path.split("/").slice(0, -1).join("/") : path;
}

function shorten(url: string): string {
  const start = Math.max(url.lastIndexOf("/src/"), url.lastIndexOf("/node_modules/"));
  return start >= 0 ? url.slice(start + 1) : url.replace("file://", "");
}
