// What a server says when it serves: where it is, how safe, and lines to paste for clients. Never the
// secret itself, only where it is.

export interface BannerFacts {
  readonly version: string;
  readonly endpoint: string;
  readonly adminEndpoint: string | undefined;
  readonly region: string;
  /** `undefined`: in memory. */
  readonly directory: string | undefined;
  readonly durability: "strict" | "relaxed";
  readonly workers: number;
  readonly accessKeyId: string;
  /** The file that holds the key pair; `undefined` when it came from the environment. */
  readonly credentialsFile: { readonly path: string; readonly isNew: boolean } | undefined;
  readonly domains: readonly string[];
  readonly websiteDomains: readonly string[];
  /** Of the port that is for websites alone. */
  readonly websiteEndpoint: string | undefined;
}

export function formatBanner(facts: BannerFacts, hasColors: boolean): string {
  const bold = paint(hasColors, "1");
  const dim = paint(hasColors, "2");
  const shout = paint(hasColors, "1;33");
  const rows: [string, string][] = [
    ["S3 endpoint", bold(facts.endpoint)],
    ["Region", facts.region],
    ["Data", facts.directory ?? shout("in memory: everything is gone when the server stops")],
    ["Durability", facts.directory === undefined ? "none" : describeDurability(facts, shout)],
    ["Access key id", facts.accessKeyId],
    ["Secret key", describeSecret(facts)],
    ["Workers", String(facts.workers)],
  ];
  if (facts.domains.length > 0)
    rows.push(["Bucket hosts", facts.domains.map((name) => `BUCKET.${name}`).join(", ")]);
  const websites = facts.websiteDomains.map((name) => `BUCKET.${name}`);
  if (facts.websiteEndpoint !== undefined) websites.push(facts.websiteEndpoint);
  if (websites.length > 0) rows.push(["Websites", websites.join(", ")]);
  if (facts.adminEndpoint !== undefined) {
    rows.push([
      "Health",
      `${facts.adminEndpoint}/health/live, ${facts.adminEndpoint}/health/ready`,
    ]);
  }
  const lines = [`${bold("Holdfast")} ${facts.version}`, ""];
  for (const [name, value] of rows) lines.push(`  ${dim(name.padEnd(14))} ${value}`);
  lines.push("", bold("AWS CLI"), ...cliLines(facts).map((line) => `  ${line}`));
  lines.push("", bold("AWS SDK for JavaScript"), ...sdkLines(facts).map((line) => `  ${line}`));
  return `${lines.join("\n")}\n\n`;
}

function describeDurability(facts: BannerFacts, shout: (text: string) => string): string {
  return facts.durability === "strict"
    ? "strict: a write is answered when it is on stable storage"
    : shout("RELAXED: the last writes before a power cut or system crash CAN BE LOST");
}

function describeSecret({ credentialsFile }: BannerFacts): string {
  if (credentialsFile === undefined) return "as set in HOLDFAST_ROOT_SECRET_KEY";
  return `${credentialsFile.isNew ? "newly made, " : ""}in ${credentialsFile.path}`;
}

function cliLines(facts: BannerFacts): string[] {
  const { credentialsFile } = facts;
  const secret =
    credentialsFile === undefined
      ? '"$HOLDFAST_ROOT_SECRET_KEY"'
      : `"$(node -p 'require(process.argv[1]).secretAccessKey' ${quote(credentialsFile.path)})"`;
  return [
    `export AWS_ENDPOINT_URL=${facts.endpoint} AWS_REGION=${facts.region} AWS_DEFAULT_REGION=${facts.region}`,
    `export AWS_ACCESS_KEY_ID=${facts.accessKeyId}`,
    `export AWS_SECRET_ACCESS_KEY=${secret}`,
    "aws s3 mb s3://first-bucket && aws s3 ls",
  ];
}

function sdkLines(facts: BannerFacts): string[] {
  return [
    "// in a shell with the variables above",
    `new S3Client({ endpoint: "${facts.endpoint}", region: "${facts.region}", forcePathStyle: true })`,
  ];
}

/** For a POSIX shell. */
function quote(path: string): string {
  return /^[\w./@+-]+$/.test(path) ? path : `'${path.replaceAll("'", String.raw`'\''`)}'`;
}

function paint(hasColors: boolean, code: string): (text: string) => string {
  return (text) => (hasColors ? `\u001b[${code}m${text}\u001b[0m` : text);
}
