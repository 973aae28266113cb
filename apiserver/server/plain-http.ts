import type { Socket } from "node:net";

const handshakeRecord = 0x16;
const request = /^(?:GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS|CONNECT|TRACE) /;
/** As Go's server says it. */
const answer = "HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n";
/** Time for the client to take the answer, in ms; what it sends meanwhile is dropped. */
const lingerMs = 1_000;

/** Tells a client that speaks plain HTTP what is wrong; any other goes on with `handshake`, nothing read. */
export function refusePlainHttp(socket: Socket, handshake: () => void): void {
  const look = (): void => {
    const first: Buffer | null = socket.read();
    if (first === null) return;
    socket.off("readable", look);
    if (first[0] !== handshakeRecord && request.test(first.toString("latin1", 0, 8))) {
      socket.end(answer);
      socket.resume();
      setTimeout(() => socket.destroy(), lingerMs).unref();
      return;
    }
    socket.unshift(first);
    handshake();
  };
  socket.on("error", () => undefined);
  socket.on("readable", look);
}
