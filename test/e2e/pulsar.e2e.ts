/**
 * A real Pulsar runs what we render: on a node, pods of our StatefulSets consume, compute and produce, and what our status says
 * of them is true. All workloads start together; each test waits for its own.
 */
import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { eventually } from "../support/processes.ts";
import { type Broker, type Message, startBroker } from "./pulsar/broker.ts";
import { ensurePulsarImage, pulsarImage, whyNoPulsar } from "./pulsar/image.ts";
import { awkward, configuration, leaving, surroundings, workloads } from "./pulsar/workloads.ts";
import { type Node, nodeIsMissing, startNode } from "./support/node.ts";
import { startServerOn } from "./support/node-server.ts";
import { toolsCache } from "./support/tools.ts";

const namespace = "demo";
/** A namespace that is deleted. */
const elsewhere = "elsewhere";
/** A dozen JVMs start on two cores. */
const patienceMs = 240_000;

const skip = (await nodeIsMissing()) || (await whyNoPulsar());

suite("Pulsar", { skip }, () => {
  let node: Node;
  let broker: Broker;
  const resources = new AsyncDisposableStack();

  before(async () => {
    const directory = await mkdtemp(join(tmpdir(), "functionmesh-pulsar-"));
    resources.defer(() => rm(directory, { recursive: true, force: true }));
    const image = await ensurePulsarImage();
    const kept = join(toolsCache, "node");
    await mkdir(kept, { recursive: true });
    node = resources.use(await startNode(kept));
    await node.load(image);
    const { ready } = await startBroker(node);
    const configFile = join(directory, "config.yaml");
    await writeFile(configFile, `runnerImages:\n  connectors: ${pulsarImage}\n`);
    await startServerOn(node, directory, [
      "--readiness-probe=true",
      "--last-log-lines=true",
      "--config-file",
      configFile,
    ]);
    for (const name of [namespace, elsewhere]) await node.kubectl.ok(["create", "namespace", name]);
    await apply(await surroundings());
    await apply(await configuration(), elsewhere);
    broker = await ready();
    await broker.upload("function/public/default/examples/1", "examples/api-examples.jar");
    await apply(workloads);
    await apply([leaving], elsewhere);
  });
  after(() => resources.disposeAsync());

  const kubectl = (...args: readonly string[]): Promise<string> => node.kubectl.ok(["-n", namespace, ...args]);
  /** One after the other: the sooner the first ones start, the sooner they leave the cores to the others. */
  const apply = async (items: readonly object[], into = namespace): Promise<void> => {
    for (const item of items) await node.kubectl.ok(["apply", "-n", into, "-f", "-"], JSON.stringify(item));
  };
  const get = (what: string, jsonPath: string): Promise<string> => kubectl("get", what, "-o", `jsonpath=${jsonPath}`);
  const status = (what: string): Promise<string> => get(what, "{.status.phase} {.status.reason} {.status.message}");
  const isReady = (what: string): Promise<void> =>
    eventually(async () => assert.match(await status(what), /^Ready /), patienceMs, 1000);
  /** The first messages of a topic, once there are as many. */
  const received = (topic: string, count: number): Promise<readonly string[]> =>
    eventually(async () => {
      const messages = await broker.read(topic, count);
      assert.equal(messages.length, count, `messages in ${topic}`);
      return texts(messages);
    }, patienceMs);
  const texts = (messages: readonly Message[]): readonly string[] => messages.map(({ text }) => text);
  /** Sends messages to a Function, once it is ready, and waits for as many answers, or `count`. */
  const answers = async (
    name: string,
    messages: readonly string[],
    count = messages.length,
  ): Promise<readonly string[]> => {
    await isReady(`function/${name}`);
    await broker.produce(`${name}-in`, messages);
    return received(`${name}-out`, count);
  };

  test("a Function in Java computes, from the first message on that is sent once it is Ready", async (context) => {
    await isReady("function/java");
    const readyAt = performance.now();
    await broker.produce("java-in", ["a"]);
    await eventually(
      async () => assert.deepEqual(await broker.subscriptions("java-in"), ["public/default/java"]),
      patienceMs,
    );
    // Its runtime serves metrics as soon as the thread has started that will subscribe, and nothing tells of more.
    context.diagnostic(`subscribed at most ${Math.round(performance.now() - readyAt)} ms after Ready`);
    await broker.produce("java-in", ["b", "ü"]);
    assert.deepEqual(await received("java-out", 3), ["a!", "b!", "ü!"]);
    await isReady("function/java");
    assert.equal(await status("function/java"), "Ready Ready The pod is ready.");
    assert.deepEqual(await broker.subscriptions("java-in"), ["public/default/java"]);
  });

  test("a Function in Python computes, and is Ready no sooner than it consumes", async () => {
    await isReady("function/python");
    assert.deepEqual(await broker.subscriptions("python-in"), ["public/default/python"]);
    assert.deepEqual(await answers("python", ["a", "b", "ü"]), ["a!", "b!", "ü!"]);
  });

  test("a mesh of a Function in Java and one in Python", async () => {
    await isReady("functionmesh/mesh");
    await broker.produce("mesh-in", ["a"]);
    assert.deepEqual(await received("mesh-out", 1), ["a!!"]);
  });

  test("configuration arrives byte for byte, whatever a shell would make of it", async () => {
    assert.deepEqual(await answers("java-config", ["?"]), [awkward]);
    const [answer = ""] = await answers("python-config", ["?"]);
    const config = { text: awkward, nested: { list: [1, awkward], truth: true } };
    assert.deepEqual(JSON.parse(answer), { config, secret: awkward });
  });

  test("what fails again and again becomes a dead letter, once its retries are used up", async () => {
    assert.deepEqual(await answers("dead-letters", ["FAIL", "x"], 1), ["SUCCESS"]);
    assert.deepEqual(await received("dead-letters-dlq", 1), ["FAIL"]);
    await isReady("function/dead-letters");
  });

  test("a window function sees its window", async () => {
    await isReady("function/window");
    await broker.produce("window-in", ["a", "b", "c"]);
    assert.deepEqual(await received("window-out", 1), ["a,b,c"]);
  });

  for (const [name, said] of [
    ["log-topic", 'a value of "x"'],
    ["python-log", "no use for x"],
  ] as const) {
    test(`the log of ${name} is in its topic`, async () => {
      await isReady(`function/${name}`);
      await broker.produce(`${name}-in`, ["x"]);
      await eventually(async () => {
        const log = texts(await broker.read(`${name}-log`, 100, 2));
        assert.ok(
          log.some((line) => line.includes(said)),
          log.join("\n"),
        );
      }, patienceMs);
    });
  }

  test("a package of the package service is downloaded and run", async () => {
    assert.deepEqual(await answers("package", ["a"]), ["a!"]);
  });

  test("a file from a web server is downloaded and run", async () => {
    assert.deepEqual(await answers("download", ["a"]), ["a!"]);
  });

  test("a Source and a Sink: what a connector generates, another one posts", async () => {
    const [person] = (await received("people", 1)).map((text) => JSON.parse(text));
    assert.notEqual(person.firstName, undefined);
    await eventually(async () => {
      const posted = (await kubectl("logs", "webhook")).trim().split("\n");
      assert.ok(
        posted.some((line) => isDeepStrictEqual(JSON.parse(line), person)),
        `${posted.length} were posted`,
      );
    }, patienceMs);
    await isReady("source/generator");
    await isReady("sink/webhook");
  });

  test("a stateful function counts", async () => {
    assert.deepEqual(await answers("stateful", ["a", "a", "b"]), ["a 1", "a 2", "b 1"]);
  });

  test("scaling 1, 2, 0, 1 restarts no instance that stays, and messages that came meanwhile are answered", async () => {
    const pods = (): Promise<string> =>
      kubectl("get", "pods", "-l", "compute.functionmesh.io/name=python", "-o", "name");
    const scaled = async (replicas: number): Promise<void> => {
      await kubectl("scale", "function/python", `--replicas=${replicas}`);
      await eventually(
        async () => assert.equal((await pods()).split("\n").filter((line) => line !== "").length, replicas),
        patienceMs,
        500,
      );
      await isReady("function/python");
    };
    const first = "pod/python-function-0";
    const uid = await get(first, "{.metadata.uid}");
    await scaled(2);
    assert.equal(await get(first, "{.metadata.uid} {.status.containerStatuses[0].restartCount}"), `${uid} 0`);
    await scaled(0);
    await eventually(async () => assert.match(await status("function/python"), /^Ready SwitchedOff/), patienceMs);
    await broker.produce("python-in", ["meanwhile"]);
    await scaled(1);
    const answered = await received("python-out", 4);
    assert.deepEqual(answered.slice(3), ["meanwhile!"]);
  });

  test("deleting a Function removes its subscription", async () => {
    assert.deepEqual(await broker.subscriptions("python-in"), ["public/default/python"]);
    await kubectl("delete", "function/python", "--wait=false");
    await eventually(
      async () => assert.equal(await kubectl("get", "function/python", "--ignore-not-found"), ""),
      patienceMs,
      500,
    );
    assert.deepEqual(await broker.subscriptions("python-in"), []);
    const events = ["get", "events", "--field-selector", "involvedObject.name=python", "-o", "jsonpath={..reason}"];
    assert.match(await kubectl(...events), /CleanedUp/);
  });

  test("a Function that is deleted with its namespace leaves no subscription either", async () => {
    const kept = (): Promise<readonly string[]> => broker.subscriptions("leaving-in");
    await eventually(async () => assert.deepEqual(await kept(), ["public/default/leaving"]), patienceMs);
    await node.kubectl.ok(["delete", "namespace", elsewhere, "--wait=false"]);
    await eventually(
      async () => assert.equal(await node.kubectl.ok(["get", "namespace", elsewhere, "--ignore-not-found"]), ""),
      patienceMs,
      500,
    );
    const about = `involvedObject.kind=Namespace,involvedObject.name=${elsewhere}`;
    const told = ["get", "events", "-n", "default", "--field-selector", about, "-o", "jsonpath={..message}"];
    assert.match(await node.kubectl.ok(told), /Function elsewhere\/leaving: Removed what was left in Pulsar/);
    assert.deepEqual(await kept(), []);
  });

  test("a Java instance that can't load its class ends with 0, and its status says that it doesn't run", async () => {
    const told = /^Degraded \S+ Pod no-class-function-0: container pulsar-function .*exit code 0/;
    await eventually(async () => assert.match(await status("function/no-class"), told), patienceMs, 1000);
  });

  test("a Python instance that ends with 0 isn't called fine", async () => {
    await isReady("function/ends");
    await broker.produce("ends-in", ["x"]);
    await eventually(
      async () => assert.match(await status("function/ends"), /^Degraded \S+ .*exit code 0/),
      patienceMs,
      500,
    );
  });
});
