/** One HTTPS exchange with a CA and, if given, a client certificate; nothing is kept between calls. */
import { request } from "node:https";
import type { Leaf } from "./pki.ts";

export type Answer = { readonly status: number; readonly body: string };

export function get(
  url: string,
  ca: string,
  client?: Leaf,
  headers: { readonly [name: string]: string } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const call = request(
      url,
      {
        ca,
        agent: false,
        headers,
        ...(client === undefined ? {} : { cert: client.certificatePem, key: client.keyPem }),
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("end", () =>
          resolve({
            status: response.statusCode ?? 0,
            body: Buffer.concat(chunks).toString(),
          }),
        );
        response.on("error", reject);
      },
    );
    call.on("error", reject);
    call.end();
  });
}
