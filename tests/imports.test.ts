// Which folder of src/ may import which: the layers of the architecture, enforced. The path of a
// request is the layout of the source, and imports go one way along it.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize, sep } from "node:path";
import { describe, test } from "node:test";

const root = "src";

const storageErrors = "storage/storage-errors.ts";
/** Files of the storage folder that are contracts, and what is written once above them. */
const storageContracts = [
  storageErrors,
  "storage/blob/blob-store.ts",
  "storage/key-value/counter.ts",
  "storage/key-value/queue-entry.ts",
  "storage/key-value/key-value-store.ts",
  "storage/key-value/transaction.ts",
  "storage/key-value/tuple.ts",
  "storage/record-codec.ts",
  "storage/spool/spool.ts",
];

/**
 * What each folder may import besides itself and base/. `app` is everything that puts the server
 * together: the files directly in src/, and src/start-up/. Nothing else imports it.
 */
const allowed: Readonly<Record<string, readonly string[]>> = {
  base: [],
  model: [],
  http: [],
  // A blob store may be a bucket of another server.
  storage: ["remote"],
  telemetry: [],
  // Secrets are sealed, and data keys wrapped, wherever they are made; what makes them is above.
  keys: ["model", "storage contracts", "telemetry"],
  body: ["model", "telemetry"],
  access: ["model", "keys", "storage contracts", "telemetry"],
  objects: ["model", "keys", "storage contracts", "telemetry"],
  // Queries over bytes that are handed in: neither stores nor callers.
  select: ["model"],
  operations: [
    "model",
    "keys",
    "objects",
    "body",
    "access",
    "select",
    "storage errors",
    "telemetry",
  ],
  protocol: [
    "model",
    "http",
    "keys",
    "body",
    "access",
    "objects",
    "operations",
    // What a failing store says becomes an answer in one place.
    "storage errors",
    "telemetry",
  ],
  // Clients of other servers: sockets, and no rule about what is sent.
  remote: [],
  // A client of the public API: it shares the table of actions and the signer, nothing of the server.
  cli: ["model", "keys"],
  provisioning: ["model", "access"],
  background: ["model", "keys", "objects", "remote", "storage contracts", "telemetry"],
  admin: ["model", "http", "keys", "access", "objects", "storage contracts", "telemetry"],
};

/** Modules of Node.js, and packages, that only some folders may use. */
const guarded: readonly (readonly [RegExp, readonly string[]])[] = [
  // Notifications are sent to receivers that speak HTTP.
  [/^node:(?:http|https|http2)$/, ["http", "remote", "background"]],
  // Whose certificates are judged by the name that their destination declares.
  [/^node:tls$/, ["http", "app", "background"]],
  [/^node:fs(?:\/promises)?$/, ["storage", "app"]],
  [/^node:sqlite$/, ["storage", "app"]],
  [/^node:(?:cluster|child_process)$/, ["app"]],
  [/^node:worker_threads$/, ["storage", "body", "app"]],
  [/^pg$/, ["storage", "background"]],
  [/^(?:amqplib|mqtt|@redis\/client|@platformatic\/kafka|@nats-io\/.*)$/, ["background"]],
  [/^saxes$/, ["protocol"]],
  [/^@opentelemetry\//, ["telemetry"]],
  [/^(?:hash-wasm|@node-rs\/crc32)$/, ["body", "storage"]],
];

interface Import {
  readonly file: string;
  readonly specifier: string;
}

const files = readdirSync(root, { recursive: true, encoding: "utf8" })
  .map((path) => path.split(sep).join("/"))
  .filter((path) => path.endsWith(".ts") && !path.endsWith(".test.ts"));

const imports: readonly Import[] = files.flatMap((file) =>
  specifiersOf(readFileSync(join(root, file), "utf8")).map((specifier) => ({ file, specifier })),
);

function specifiersOf(source: string): readonly string[] {
  const code = source.replaceAll(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, "");
  const forms = [
    /^\s*(?:import|export)\s[^"';]*?\sfrom\s+["']([^"']+)["']/gm,
    /^\s*import\s+["']([^"']+)["']/gm,
    /\bimport\(\s*["']([^"']+)["']\s*\)/gm,
    /\brequire\(\s*["']([^"']+)["']\s*\)/gm,
  ];
  return forms.flatMap((form) => [...code.matchAll(form)].map((match) => match[1] as string));
}

function folderOf(file: string): string {
  const [first, ...rest] = file.split("/");
  return rest.length === 0 || first === "start-up" ? "app" : (first as string);
}

/** The file that a relative import means. */
function targetOf({ file, specifier }: Import): string {
  return normalize(join(dirname(file), specifier))
    .split(sep)
    .join("/");
}

function isAllowed(entry: Import): boolean {
  const from = folderOf(entry.file);
  const target = targetOf(entry);
  const to = folderOf(target);
  if (from === "app" || from === to) return true;
  if (to === "base") return true;
  const targets = allowed[from] ?? [];
  if (target === storageErrors && targets.includes("storage errors")) return true;
  if (storageContracts.includes(target)) return targets.includes("storage contracts");
  return targets.includes(to);
}

describe("import directions", () => {
  test("every folder of src/ has its rule", () => {
    const folders = new Set(files.map(folderOf));
    folders.delete("app");
    assert.ok(folders.size >= 10, "the source was found");
    assert.deepEqual(
      [...folders].filter((folder) => allowed[folder] === undefined),
      [],
    );
  });

  test("imports are found in every form", () => {
    const source = [
      'import { a } from "./a.ts";',
      'import type {\n  B,\n} from "../b.ts";',
      'export { c } from "./c.ts";',
      'import "./d.ts";',
      'const e = await import("./e.ts");',
      '// import { f } from "./f.ts";',
    ].join("\n");
    assert.deepEqual(specifiersOf(source).toSorted(), [
      "../b.ts",
      "./a.ts",
      "./c.ts",
      "./d.ts",
      "./e.ts",
    ]);
    assert.ok(imports.length > files.length, "the source's imports were found");
  });

  test("no folder imports what lies above it", () => {
    const wrong = imports
      .filter((entry) => entry.specifier.startsWith("."))
      .filter((entry) => !isAllowed(entry))
      .map((entry) => `${entry.file} imports ${targetOf(entry)}`);
    assert.deepEqual(wrong, []);
  });

  test("sockets, files, databases and threads stay in the folders that are about them", () => {
    const wrong = imports
      .filter((entry) =>
        guarded.some(
          ([pattern, folders]) =>
            pattern.test(entry.specifier) && !folders.includes(folderOf(entry.file)),
        ),
      )
      .map((entry) => `${entry.file} imports ${entry.specifier}`);
    assert.deepEqual(wrong, []);
  });

  test("node built-ins carry their prefix, and packages are the declared ones", () => {
    const { dependencies } = JSON.parse(readFileSync("package.json", "utf8")) as {
      dependencies: Record<string, string>;
    };
    const wrong = imports
      .filter(({ specifier }) => !specifier.startsWith(".") && !specifier.startsWith("node:"))
      .filter(({ specifier }) => dependencies[specifier] === undefined)
      .map(({ file, specifier }) => `${file} imports ${specifier}`);
    assert.deepEqual(wrong, []);
  });
});
