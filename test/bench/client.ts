/** A small HTTPS client for benchmarks: keep-alive, a kubeconfig's identity, bodies as bytes. */
import { readFile } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import { Agent, request } from "node:https";
import { parse } from "yaml";

type Kubeconfig = {
  readonly clusters: readonly {
    readonly cluster: { readonly server: string; readonly "certificate-authority-data": string };
  }[];
  readonly users: readonly {
    readonly user: { readonly "client-certificate-data": string; readonly "client-key-data": string };
  }[];
};

export type BenchClient = {
  readonly send: (
    method: string,
    path: string,
    body?: string,
    headers?: { readonly [name: string]: string },
  ) => Promise<{ status: number; bytes: number }>;
  /** Resolves once the headers are here; the caller reads the stream. */
  readonly open: (path: string) => Promise<IncomingMessage>;
  readonly close: () => void;
};

export async function benchClient(kubeconfig: string, maxSockets: number): Promise<BenchClient> {
  const config: Kubeconfig = parse(await readFile(kubeconfig, "utf8"));
  const [cluster, user] = [config.clusters[0]?.cluster, config.users[0]?.user];
  if (cluster === undefined || user === undefined) throw new Error(`${kubeconfig} names no cluster or no user`);
  const decode = (data: string): Buffer => Buffer.from(data, "base64");
  const agent = new Agent({
    keepAlive: true,
    maxSockets,
    ca: decode(cluster["certificate-authority-data"]),
    cert: decode(user["client-certificate-data"]),
    key: decode(user["client-key-data"]),
  });
  const start = (
    method: string,
    path: string,
    body: string | undefined,
    headers: { readonly [name: string]: string },
  ): Promise<IncomingMessage> =>
    new Promise((resolve, reject) => {
      const call = request(
        `${cluster.server}${path}`,
        {
          method,
          agent,
          headers: {
            accept: "application/json",
            ...(body === undefined
              ? {}
              : { "content-type": "application/json", "content-length": String(Buffer.byteLength(body)) }),
            ...headers,
          },
        },
        resolve,
      );
      call.on("error", reject);
      call.end(body);
    });
  return {
    send: async (method, path, body, headers = {}) => {
      const response = await start(method, path, body, headers);
      let bytes = 0;
      for await (const chunk of response) bytes += chunk.length;
      return { status: response.statusCode ?? 0, bytes };
    },
    open: (path) => start("GET", path, undefined, {}),
    close: () => agent.destroy(),
  };
}
