// A process of its own that writes to a SQLite store, for the tests of several processes and of
// sudden death. What it does is named by its arguments; each step is reported when acknowledged.
import { decodeCounter, encodeCounter } from "../../src/storage/key-value/counter.ts";
import type { KeyValueStore } from "../../src/storage/key-value/key-value-store.ts";
import { openSqliteKeyValueStore } from "../../src/storage/key-value/sqlite-key-value-store.ts";
import { transact } from "../../src/storage/key-value/transaction.ts";
import { bytes, getText, setText } from "./key-value-access.ts";

const [task, path, argument] = process.argv.slice(2) as [string, string, string];
const store = await openSqliteKeyValueStore({ path, durability: "strict" });

switch (task) {
  case "increment":
    await increment(store, Number(argument));
    break;
  case "append":
    await append(store, Number(argument));
    break;
  case "echo":
    await echo(store);
    break;
  case "idle":
    // Neither disposed nor ended: an idle store must not keep the process alive.
    await setText(store, "idle", "written");
    break;
  default:
    throw new Error("unknown task");
}

/** Adds to one key through transactions and, beside it, to a counter. */
async function increment(store: KeyValueStore, rounds: number): Promise<void> {
  await using _ = store;
  for (let round = 0; round < rounds; round++) {
    await transact(
      store,
      async (transaction) => {
        const value = decodeCounter(await transaction.get(bytes("hot")));
        transaction.set(bytes("hot"), encodeCounter(value + 1));
        transaction.add(bytes("counter"), 1);
      },
      { maximumAttempts: 1000 },
    );
  }
}

/** Writes numbered keys for ever, some large, and reports each one once it is acknowledged. */
async function append(store: KeyValueStore, writers: number): Promise<void> {
  let next = 0;
  const write = async (): Promise<void> => {
    for (;;) {
      const number = next++;
      await setText(store, `key ${number}`, `${number} `.repeat(number % 7 === 0 ? 2000 : 10));
      process.send?.(number);
    }
  };
  await Promise.all(Array.from({ length: writers }, write));
}

/** Answers each key named by the parent with its value, as this process sees it. */
async function echo(store: KeyValueStore): Promise<void> {
  process.on("message", (key: string) => {
    void (async () => {
      const value = await getText(store, key);
      await setText(store, `${key} answer`, `seen ${value}`);
      process.send?.(value ?? "absent");
    })();
  });
  process.send?.("ready");
}
