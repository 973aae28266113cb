/** What people write for a real Pulsar: Functions, connectors and meshes, and what they need beside them. */
import { readFile } from "node:fs/promises";
import { brokerAddress, connection, statePort, topicOf } from "./broker.ts";
import { connectors, pulsarImage } from "./image.ts";

type Fields = { readonly [field: string]: unknown };
export type Manifest = { readonly kind: string; readonly metadata: { readonly name: string } & Fields } & Fields;

const group = "compute.functionmesh.io/v1alpha1";
const webhookPort = 8000;
const webhook = `http://webhook:${webhookPort}`;

/** Quotes, what shells and formats expand, and characters of one to four bytes. */
export const awkward = `it's "quoted" $HOME \${PATH} $(id) \`id\` \\n \\\\ %s %% {{x}} <&> ü € 😀 \t#;|`;

/** Small enough for all of them to run at once. */
const common: Fields = {
  image: pulsarImage,
  clusterName: "standalone",
  replicas: 1,
  pulsar: { pulsarConfig: connection.metadata.name },
  resources: { requests: { cpu: "10m", memory: "128M" }, limits: { memory: "700M" } },
};
const text = "java.lang.String";
const between = (input: string, output?: string): Fields => ({
  input: { topics: [topicOf(input)], typeClassName: text },
  ...(output === undefined ? {} : { output: { topic: topicOf(output), typeClassName: text } }),
});
const examples = "org.apache.pulsar.functions.api.examples";
const inJava = (className: string): Fields => ({
  className: `${examples}.${className}`,
  java: { jar: "/pulsar/examples/api-examples.jar" },
});
const code = { name: "code", mountPath: "/pulsar/code" };
const codeVolume = { name: code.name, configMap: { name: "functions" } };
const inPython = (className: string): Fields => ({
  className: `functions.${className}`,
  python: { py: `${code.mountPath}/functions.py` },
  pod: { volumes: [codeVolume] },
  volumeMounts: [code],
});

const workload = (kind: string, name: string, ...parts: readonly Fields[]): Manifest => ({
  apiVersion: group,
  kind,
  metadata: { name },
  spec: Object.assign({}, common, ...parts),
});
const fn = (name: string, ...parts: readonly Fields[]): Manifest =>
  workload("Function", name, between(`${name}-in`, `${name}-out`), ...parts);
const member = ({ metadata, spec }: Manifest): Fields => ({ name: metadata.name, ...Object(spec) });

/** In the order in which the tests look at them. */
export const workloads: readonly Manifest[] = [
  fn("java", inJava("ExclamationFunction")),
  fn("python", inPython("Exclaim"), { cleanupSubscription: true }),
  {
    apiVersion: group,
    kind: "FunctionMesh",
    metadata: { name: "mesh" },
    spec: {
      functions: [
        member(workload("Function", "first", inJava("ExclamationFunction"), between("mesh-in", "mesh-between"))),
        member(workload("Function", "second", inPython("Exclaim"), between("mesh-between", "mesh-out"))),
      ],
    },
  },
  fn("java-config", inJava("UserConfigFunction"), { funcConfig: { WhatToWrite: awkward } }),
  fn("python-config", inPython("Settings"), {
    funcConfig: { text: awkward, nested: { list: [1, awkward], truth: true } },
    secretsMap: { PASSWORD: { path: "password", key: "value" } },
  }),
  fn("dead-letters", inJava("ConsistentlyFailingFunction"), {
    maxMessageRetry: 2,
    deadLetterTopic: topicOf("dead-letters-dlq"),
    timeout: 1000,
  }),
  fn("window", inJava("CommaWindowFunction"), { windowConfig: { windowLengthCount: 3, slidingIntervalCount: 3 } }),
  fn("log-topic", inJava("ContextFunction"), { logTopic: topicOf("log-topic-log") }),
  fn("python-log", inPython("Fails"), { logTopic: topicOf("python-log-log") }),
  fn("package", {
    className: `${examples}.ExclamationFunction`,
    java: { jar: "/pulsar/download/package.jar", jarLocation: "function://public/default/examples@1" },
  }),
  fn("download", {
    className: "functions.Exclaim",
    python: { py: "/pulsar/download/functions.py", pyLocation: `${webhook}/functions.py` },
    imageHasGet: true,
  }),
  workload("Source", "generator", {
    className: "org.apache.pulsar.io.datagenerator.DataGeneratorSource",
    java: { jar: `/pulsar/connectors/${connectors.dataGenerator}` },
    sourceConfig: { sleepBetweenMessages: "200" },
    output: { topic: topicOf("people"), typeClassName: "org.apache.pulsar.io.datagenerator.Person" },
  }),
  workload("Sink", "webhook", {
    className: "org.apache.pulsar.io.http.HttpSink",
    java: { jar: `/pulsar/connectors/${connectors.http}` },
    sinkConfig: { url: webhook },
    input: { topics: [topicOf("people")], typeClassName: "org.apache.pulsar.client.api.schema.GenericObject" },
  }),
  fn("stateful", inPython("Count"), {
    statefulConfig: { pulsar: { serviceUrl: `bk://127.0.0.1:${statePort}` } },
    pod: { volumes: [codeVolume], sidecars: [stateForwarder()] },
  }),
  fn("no-class", inJava("ThereIsNone")),
  fn("ends", inPython("Ends")),
];

/** One that is deleted with its namespace. */
export const leaving: Manifest = fn("leaving", inPython("Exclaim"), { cleanupSubscription: true });

/** BookKeeper's tables are served where their clients believe they are: on the pod's own loopback. */
function stateForwarder(): Fields {
  const forward = `import asyncio
async def pump(reader, writer):
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.close()
async def serve(reader, writer):
    there, back = await asyncio.open_connection("${brokerAddress}", ${statePort})
    await asyncio.gather(pump(reader, back), pump(there, writer))
async def main():
    async with await asyncio.start_server(serve, "127.0.0.1", ${statePort}) as server:
        await server.serve_forever()
asyncio.run(main())`;
  return { name: "state", image: pulsarImage, command: ["python3", "-c", forward] };
}

const fileOf = (name: string): Promise<string> => readFile(new URL(name, import.meta.url), "utf8");

/** How Pulsar is reached, and the code. */
export async function configuration(): Promise<readonly Manifest[]> {
  const data = { "functions.py": await fileOf("functions.py") };
  return [connection, { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "functions" }, data }];
}

/** The same with a Secret and a web server. */
export async function surroundings(): Promise<readonly Manifest[]> {
  const server = await fileOf("webhook.py");
  const labels = { app: "webhook" };
  return [
    ...(await configuration()),
    { apiVersion: "v1", kind: "Secret", metadata: { name: "password" }, stringData: { value: awkward } },
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "webhook" },
      spec: { selector: labels, ports: [{ port: webhookPort }] },
    },
    {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "webhook", labels },
      spec: {
        containers: [
          {
            name: "webhook",
            image: pulsarImage,
            imagePullPolicy: "Never",
            workingDir: code.mountPath,
            command: ["python3", "-c", server, String(webhookPort)],
            volumeMounts: [code],
          },
        ],
        volumes: [codeVolume],
      },
    },
  ];
}
