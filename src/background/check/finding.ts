// What a check found, and where: collected, counted and printed as it comes.

export interface Place {
  readonly bucket?: string;
  readonly key?: string;
  readonly versionId?: string;
  readonly uploadId?: string;
  readonly partNumber?: number;
  readonly blob?: string;
  /** A row that is none of these: its kind and identifier. */
  readonly row?: string;
}

export interface Finding {
  /** What is wrong, in words that do not vary. */
  readonly problem: string;
  readonly places: readonly Place[];
  readonly detail?: string;
}

export interface CheckOutput {
  write(text: string): unknown;
}

/** Findings kept for the caller; all of them are printed and counted. */
const keptFindings = 1000;

export class CheckReport {
  readonly #print: (line: string) => void;
  readonly findings: Finding[] = [];
  readonly unsure: string[] = [];
  findingCount = 0;
  unsureCount = 0;
  /** Blobs that no record names and whose writer is gone: the sweeper removes them, nothing is lost. */
  wasteBlobs = 0;

  constructor(print: (line: string) => void) {
    this.#print = print;
  }

  add(finding: Finding): void {
    this.findingCount += 1;
    if (this.findings.length < keptFindings) this.findings.push(finding);
    const detail = finding.detail === undefined ? "" : ` (${finding.detail})`;
    const places = finding.places.map((place) => `\n    ${describePlace(place)}`).join("");
    this.#print(`FINDING ${finding.problem}${detail}${places}`);
  }

  /** Something that changed faster than it could be looked at. */
  addUnsure(text: string): void {
    this.unsureCount += 1;
    if (this.unsure.length < keptFindings) this.unsure.push(text);
    this.#print(`UNSURE  ${text}`);
  }
}

export function describePlace(place: Place): string {
  const parts: string[] = [];
  for (const [name, value] of Object.entries(place)) {
    // Keys may hold any character: JSON keeps one finding on its own lines.
    parts.push(`${name}=${name === "key" ? JSON.stringify(value) : String(value)}`);
  }
  return parts.join(" ");
}
