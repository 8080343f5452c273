// The promises of destinations of notifications, as tests that run on every kind.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { describe, it } from "node:test";
import { systemClock } from "../../src/base/clock.ts";
import type { Destination, Message } from "../../src/background/notification/destination.ts";
import { openDestination } from "../../src/background/notification/open-destination.ts";
import type { DestinationSettings } from "../../src/model/notification-destinations.ts";

export interface DestinationUnderTest {
  readonly settings: (address: {
    readonly host: string;
    readonly port: number;
  }) => DestinationSettings;
  /** Where the receiver listens. */
  readonly host?: string;
  readonly port: number;
  /** False of those that tell their clients another address than that of the proxy. */
  readonly canBeProxied?: boolean;
  /** Bodies that arrived so far, in any order; those of earlier tests among them. */
  readonly received: () => Promise<readonly string[]>;
}

const patienceMilliseconds = 20_000;

export function describeDestination(name: string, tested: DestinationUnderTest): void {
  const { host = "127.0.0.1", port, settings, canBeProxied = true } = tested;
  describe(`destination: ${name}`, () => {
    it("takes batches of every size, and the receiver has each message", async () => {
      await using destination = await openDestination(settings({ host, port }), systemClock);
      const messages: Message[] = [];
      const { batchLimit } = destination;
      for (const size of [1, Math.min(3, batchLimit), batchLimit]) {
        const batch = Array.from({ length: size }, newMessage);
        messages.push(...batch);
        await sendWhole(destination, batch);
      }
      await arrived(tested, messages);
    });

    it("takes several batches at once", async () => {
      await using destination = await openDestination(settings({ host, port }), systemClock);
      const batches = Array.from({ length: 6 }, () =>
        Array.from({ length: Math.min(5, destination.batchLimit) }, newMessage),
      );
      await Promise.all(batches.map((batch) => sendWhole(destination, batch)));
      await arrived(tested, batches.flat());
    });

    it("says so when nobody is there", async () => {
      await using closed = await Proxy.start({ host, port });
      const nobody = { host: "127.0.0.1", port: closed.port };
      await closed[Symbol.asyncDispose]();
      await using destination = await openDestination(settings(nobody), systemClock);
      const signal = AbortSignal.timeout(patienceMilliseconds);
      await assert.rejects(async () => {
        const [outcome] = await destination.send([newMessage()], signal);
        if (outcome !== undefined) throw outcome;
      });
    });

    if (!canBeProxied) return;
    it("goes on after its connection broke", async () => {
      await using proxy = await Proxy.start({ host, port });
      const through = { host: "127.0.0.1", port: proxy.port };
      await using destination = await openDestination(settings(through), systemClock);
      const messages: Message[] = [];
      for (let round = 0; round < 3; round += 1) {
        const message = newMessage();
        messages.push(message);
        await sendWithRetries(destination, message);
        proxy.cut();
        await pause(20);
      }
      await arrived(tested, messages);
    });

    it("goes on after a connection on which nobody answers any more", async () => {
      await using proxy = await Proxy.start({ host, port });
      const through = { host: "127.0.0.1", port: proxy.port };
      await using destination = await openDestination(settings(through), systemClock);
      await sendWithRetries(destination, newMessage());
      proxy.stall();
      const message = newMessage();
      await assert.rejects(sendInTime(destination, message, 300), { name: "TimeoutError" });
      await sendWithRetries(destination, message);
      await arrived(tested, [message]);
    });
  });
}

let count = 0;

export function newMessage(): Message {
  const id = randomUUID();
  count += 1;
  return {
    id,
    body: JSON.stringify({ id, text: `Grüße 🌍 "${count}" \\ \u0001 <&>` }),
    event: "ObjectCreated:Put",
    bucketName: "bucket",
    key: `Schlüssel ${count}`,
    timeMilliseconds: Date.now(),
    isRemoval: false,
  };
}

async function sendWhole(destination: Destination, batch: readonly Message[]): Promise<void> {
  const outcomes = await destination.send(batch, AbortSignal.timeout(patienceMilliseconds));
  assert.deepEqual(
    outcomes,
    batch.map(() => undefined),
  );
}

/** As the worker does: what takes longer is not waited for. */
async function sendInTime(
  destination: Destination,
  message: Message,
  milliseconds: number,
): Promise<void> {
  const signal = AbortSignal.timeout(milliseconds);
  const late = new Promise<never>((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason as Error));
  });
  const [outcome] = await Promise.race([destination.send([message], signal), late]);
  if (outcome !== undefined) throw outcome;
}

/** As the worker does: a failure means that the message is sent once more. */
async function sendWithRetries(destination: Destination, message: Message): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await sendInTime(destination, message, 5000);
    } catch (error) {
      if (attempt === 5) throw error;
      await pause(50);
    }
  }
}

async function arrived(
  { received }: DestinationUnderTest,
  messages: readonly Message[],
): Promise<void> {
  const ends = Date.now() + patienceMilliseconds;
  let missing: readonly string[];
  do {
    const found = new Set((await received()).map(normalized));
    missing = messages.map(({ body }) => normalized(body)).filter((body) => !found.has(body));
    if (missing.length === 0) return;
    await pause(20);
  } while (Date.now() < ends);
  assert.deepEqual(missing, []);
}

/** A database may print JSON in its own way. */
function normalized(body: string): string {
  const { id, text } = JSON.parse(body) as { readonly id: string; readonly text: string };
  return `${id} ${text}`;
}

/** Passes bytes on, until it is told to cut or to stall. */
class Proxy implements AsyncDisposable {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(target: { readonly host: string; readonly port: number }) {
    this.#server = createServer((incoming) => {
      const outgoing = connect(target);
      for (const socket of [incoming, outgoing]) {
        this.#sockets.add(socket);
        socket.on("error", () => {});
        socket.on("close", () => {
          this.#sockets.delete(socket);
          incoming.destroy();
          outgoing.destroy();
        });
      }
      incoming.pipe(outgoing);
      outgoing.pipe(incoming);
    });
  }

  static async start(target: { readonly host: string; readonly port: number }): Promise<Proxy> {
    const proxy = new Proxy(target);
    await new Promise<void>((resolve) => {
      proxy.#server.listen(0, "127.0.0.1", resolve);
    });
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port; // it listens on a port
  }

  /** Passes nothing on any more over the connections that there are, and leaves them open. */
  stall(): void {
    for (const socket of this.#sockets) socket.unpipe();
  }

  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut();
    if (!this.#server.listening) return;
    await new Promise((resolve) => {
      this.#server.close(resolve);
    });
  }
}
