// Hands answers to sockets with as few system calls and copies as possible. One per server: most answers
// leave before the next one is written, so that they can share one piece of memory.

import type { Socket } from "node:net";

/** Up to here a copy is cheaper than a second piece in one write. */
const joinedBytes = 32 * 1024;

export interface Piece {
  /** Latin-1. */
  readonly head: string;
  /** Text leaves as UTF-8. */
  readonly body: string | Uint8Array | undefined;
  readonly bodyBytes: number;
  /** ASCII. */
  readonly tail: string;
}

export class SocketOutput {
  #scratch = Buffer.allocUnsafeSlow(joinedBytes);

  /** As `write`, for a body in pieces; returns its length. */
  writePieces(
    socket: Socket,
    { head, pieces, tail }: { head: string; pieces: readonly Uint8Array[]; tail: string },
    onWritten: () => void,
  ): number {
    const [first, ...others] = pieces;
    let bodyBytes = first?.byteLength ?? 0;
    if (others.length === 0) {
      this.write(socket, { head, body: first, bodyBytes, tail }, onWritten);
      return bodyBytes;
    }
    socket.cork();
    if (head !== "") socket.write(head, "latin1");
    for (const [index, piece] of pieces.entries()) {
      const isEnd = index === pieces.length - 1 && tail === "";
      socket.write(piece, isEnd ? onWritten : undefined);
      if (index > 0) bodyBytes += piece.byteLength;
    }
    if (tail !== "") socket.write(tail, "latin1", onWritten);
    socket.uncork();
    return bodyBytes;
  }

  /** `body` belongs to the socket until `socket.writableLength` is 0, or `onWritten` was called. */
  write(socket: Socket, piece: Piece, onWritten?: () => void): void {
    const { head, body, bodyBytes, tail } = piece;
    const totalBytes = head.length + bodyBytes + tail.length;
    if (totalBytes > joinedBytes) {
      socket.cork();
      if (head !== "") socket.write(head, "latin1");
      if (body !== undefined) socket.write(body, "utf8", tail === "" ? onWritten : undefined);
      if (tail !== "") socket.write(tail, "latin1", onWritten);
      socket.uncork();
      return;
    }
    // A TLS connection keeps what it is given until the other side has taken it.
    const isShared = !("encrypted" in socket);
    const target = isShared ? this.#scratch : Buffer.allocUnsafe(totalBytes);
    target.write(head, 0, "latin1");
    if (typeof body === "string") target.write(body, head.length, "utf8");
    else if (body !== undefined) target.set(body, head.length);
    if (tail !== "") target.write(tail, head.length + bodyBytes, "latin1");
    socket.write(isShared ? target.subarray(0, totalBytes) : target, onWritten);
    // The system did not take everything at once: the socket still needs this memory.
    if (isShared && socket.writableLength > 0) {
      this.#scratch = Buffer.allocUnsafeSlow(joinedBytes);
    }
  }
}
