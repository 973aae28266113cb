/** A small HTTPS client for benchmarks: keep-alive, a kubeconfig's identity, bodies as bytes. */

import { once } from "node:events";
import { readFile } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import { connect } from "node:http2";
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

export type BenchAnswer = {
  readonly status: number;
  /** As sent: compressed, if it was. */
  readonly bytes: number;
  readonly body: () => Buffer;
};
type Headers = { readonly [name: string]: string };

export type BenchClient = {
  readonly send: (
    method: string,
    path: string,
    more?: { readonly body?: string; readonly headers?: Headers },
  ) => Promise<BenchAnswer>;
  /** Resolves once the headers are here; the caller reads the stream. */
  readonly open: (path: string, headers?: Headers) => Promise<IncomingMessage>;
  readonly close: () => void;
};

/** One connection of HTTP/2, on which everything is sent. */
export type Http2BenchClient = {
  readonly get: (path: string) => Promise<{ status: number; bytes: number }>;
  readonly close: () => void;
};

export async function http2BenchClient(kubeconfig: string): Promise<Http2BenchClient> {
  const { server, ...identity } = await identityOf(kubeconfig);
  const session = connect(server, { ...identity, settings: { initialWindowSize: 4 * 1024 * 1024 } });
  await once(session, "connect");
  session.setLocalWindowSize(16 * 1024 * 1024);
  return {
    get: async (path) => {
      const stream = session.request({ ":path": path, accept: "application/json" });
      const [headers] = await once(stream, "response");
      let bytes = 0;
      for await (const chunk of stream) bytes += chunk.length;
      return { status: headers[":status"], bytes };
    },
    close: () => session.close(),
  };
}

export type ClientIdentity = {
  readonly server: string;
  readonly ca: Buffer;
  readonly cert: Buffer;
  readonly key: Buffer;
};

export async function identityOf(kubeconfig: string): Promise<ClientIdentity> {
  const config: Kubeconfig = parse(await readFile(kubeconfig, "utf8"));
  const [cluster, user] = [config.clusters[0]?.cluster, config.users[0]?.user];
  if (cluster === undefined || user === undefined) throw new Error(`${kubeconfig} names no cluster or no user`);
  const decode = (data: string): Buffer => Buffer.from(data, "base64");
  return {
    server: cluster.server,
    ca: decode(cluster["certificate-authority-data"]),
    cert: decode(user["client-certificate-data"]),
    key: decode(user["client-key-data"]),
  };
}

export async function benchClient(kubeconfig: string, maxSockets: number): Promise<BenchClient> {
  const { server, ...identity } = await identityOf(kubeconfig);
  const agent = new Agent({ keepAlive: true, maxSockets, ...identity });
  const start = (method: string, path: string, body: string | undefined, headers: Headers): Promise<IncomingMessage> =>
    new Promise((resolve, reject) => {
      const call = request(
        `${server}${path}`,
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
    send: async (method, path, { body, headers = {} } = {}) => {
      const response = await start(method, path, body, headers);
      const parts: Buffer[] = [];
      let bytes = 0;
      for await (const part of response) {
        parts.push(part);
        bytes += part.length;
      }
      return { status: response.statusCode ?? 0, bytes, body: () => Buffer.concat(parts) };
    },
    open: (path, headers = {}) => start("GET", path, undefined, headers),
    close: () => agent.destroy(),
  };
}
