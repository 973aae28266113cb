import type { Client } from "./client.ts";

/** Connections of `client` that are sent `text`, and of which nothing is read while `work` is done. */
export async function beside(client: Client, count: number, text: string, work: () => Promise<void>): Promise<void> {
  const sockets = await Promise.all(Array.from({ length: count }, () => client.connect()));
  try {
    for (const socket of sockets) {
      socket.on("error", () => undefined);
      socket.pause();
      socket.write(text);
    }
    await work();
  } finally {
    for (const socket of sockets) socket.destroy();
  }
}
