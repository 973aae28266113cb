/**
 * The chart and the image on a real node, as somebody with nothing but a cluster and Helm meets them: install, use, replace,
 * upgrade, roll back, lose the leader, uninstall, come back.
 */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { homedir, tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { after, before, suite, test } from "node:test";
import { promisify } from "node:util";
import { build } from "../../deploy/image/build.ts";
import { eventually, startProcess } from "../support/processes.ts";
import { blocks, repository } from "../support/readme.ts";
import { connection, pipeline } from "./support/manifests.ts";
import { type Node, nodeIsMissing, startNode } from "./support/node.ts";
import { createAuthority, issue, writeLeaf } from "./support/pki.ts";
import { ensureTool, moduleDirectory } from "./support/tools.ts";

const run = promisify(execFile);
const chart = new URL("../../deploy/charts/function-mesh-operator", import.meta.url).pathname;
const namespace = "function-mesh";
const release = "function-mesh";
const manager = `${release}-controller-manager`;
const apiService = "v1alpha1.compute.functionmesh.io";
/** Pods are scheduled, images unpacked and a server started on a machine with company. */
const patienceMs = 180_000;

const skip = await nodeIsMissing();

suite("the chart on a node", { skip }, () => {
  let node: Node;
  let helm: string;
  let directory: string;
  const resources = new AsyncDisposableStack();

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), "functionmesh-chart-"));
    resources.defer(() => rm(directory, { recursive: true, force: true }));
    const kept = join(process.env.FUNCTIONMESH_TOOLS_CACHE ?? join(homedir(), ".cache", "functionmesh-tools"), "node");
    await mkdir(kept, { recursive: true });
    node = resources.use(await startNode(kept));
    helm = await ensureTool("helm");
    const server = await build(["apiserver"]);
    const etcd = await build(["etcd", await ensureTool("etcd")]);
    await node.load(server.path, etcd.path);
  });
  after(() => resources.disposeAsync());

  const helmRun = async (...args: readonly string[]): Promise<string> => {
    const home = { HOME: directory, KUBECONFIG: node.kubeconfig };
    const { stdout } = await run(helm, args, { env: { ...process.env, ...home }, maxBuffer: 16 * 1024 * 1024 });
    return stdout;
  };
  const install = (...more: readonly string[]): Promise<string> =>
    helmRun("upgrade", "--install", release, chart, "-n", namespace, "--create-namespace", ...more);
  const get = (jsonPath: string, ...what: readonly string[]): Promise<string> =>
    node.kubectl.ok(["get", ...what, "-o", `jsonpath=${jsonPath}`]);

  /** Has `use` install the chart by the name it has in a repository of packaged charts. */
  const fromRepository = async (use: (packaged: string) => Promise<unknown>): Promise<void> => {
    const served = join(directory, "charts");
    await mkdir(served);
    await helmRun("package", chart, "--destination", served);
    const server = createServer(async (request, response) => {
      const file = await readFile(join(served, basename(request.url ?? ""))).catch(() => undefined);
      response.writeHead(file === undefined ? 404 : 200).end(file);
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("no port");
    const url = `http://127.0.0.1:${address.port}`;
    try {
      await helmRun("repo", "index", served, "--url", url);
      await helmRun("repo", "add", "function-mesh", url);
      await use("function-mesh/function-mesh-operator");
    } finally {
      server.close();
    }
  };

  /** Nothing of ours is left; volumes are empty, and as many as given. */
  const beginAnew = async (volumes: number): Promise<void> => {
    await node.kubectl.ok(["delete", "functionmesh", "--all", "-n", "demo", "--wait"]);
    await helmRun("uninstall", release, "-n", namespace, "--wait");
    await node.kubectl.ok(["delete", "namespace", namespace, "--wait"]);
    await node.kubectl.ok(["delete", "persistentvolume", "--all"]);
    await node.shell("sh", "-c", "rm -rf /var/lib/functionmesh-volume-*");
    await offerVolumes(volumes);
  };

  /** Volumes that a provisioner would make. */
  const offerVolumes = async (count: number): Promise<void> => {
    for (let index = 0; index < count; index++) {
      const path = `/var/lib/functionmesh-volume-${index}`;
      await node.shell("install", "-d", "-m", "0777", path);
      const volume = {
        apiVersion: "v1",
        kind: "PersistentVolume",
        metadata: { name: `volume-${index}` },
        spec: { capacity: { storage: "8Gi" }, accessModes: ["ReadWriteOnce"], hostPath: { path } },
      };
      await node.kubectl.ok(["apply", "-f", "-"], JSON.stringify(volume));
    }
  };
  const serves = async (): Promise<void> => {
    await node.kubectl.ok(["wait", "--for=condition=Available", `apiservice/${apiService}`, "--timeout=50s"]);
    await node.kubectl.ok(["get", "functions,sources,sinks,functionmeshes", "-A"]);
  };
  const untilServed = (): Promise<void> => eventually(serves, patienceMs, 1000);
  const ofPods = (component: string, jsonPath: string): Promise<string> => {
    const labels = `app.kubernetes.io/instance=${release},app.kubernetes.io/component=${component}`;
    return get(jsonPath, "pods", "-n", namespace, "-l", labels);
  };
  const readyPods = (component: string): Promise<string> =>
    ofPods(component, "{.items[*].status.containerStatuses[*].ready}");
  const untilReady = (component: string, count: number): Promise<void> =>
    eventually(
      async () => assert.equal(await readyPods(component), Array<string>(count).fill("true").join(" ")),
      patienceMs,
      1000,
    );
  const untilRolledOut = (): Promise<void> =>
    eventually(
      async () =>
        void (await node.kubectl.ok(["rollout", "status", `deployment/${manager}`, "-n", namespace, "--timeout=50s"])),
      patienceMs,
      1000,
    );
  const workloads = (): Promise<string> =>
    get(
      "{range .items[*]}{.metadata.name} {.metadata.uid} {.metadata.generation}{'\\n'}{end}",
      "statefulsets",
      "-n",
      "demo",
    );

  test("default values: two replicas serve, an etcd of its own keeps, and nothing else is needed", async () => {
    await offerVolumes(1);
    // As the README's "On a cluster" shows it, to the letter.
    const environment = {
      ...process.env,
      HOME: directory,
      KUBECONFIG: node.kubeconfig,
      PATH: [dirname(helm), dirname(await ensureTool("kubectl")), process.env.PATH].join(":"),
    };
    const [session = "", look = ""] = blocks("bash");
    const bash = (script: string) =>
      run("bash", ["-euo", "pipefail", "-c", script], { cwd: repository, env: environment });
    assert.match(session, /^helm install/);
    await bash(session);
    assert.match(look, /^kubectl get fn /);
    await eventually(() => bash(look), patienceMs, 1000);
    await untilReady("controller-manager", 2);
    await untilReady("etcd", 1);
    await untilServed();
    const pods = await node.kubectl.ok(["get", "pods", "-n", namespace, "-l", `app.kubernetes.io/instance=${release}`]);
    assert.match(pods, /^function-mesh-controller-manager-\S+\s+1\/1\s+Running/m);
  });

  test("the server's pod has no more rights than it needs", async () => {
    const pod = await ofPods("controller-manager", "{.items[0].metadata.name}");
    const status = await node.kubectl.ok([
      "exec",
      "-n",
      namespace,
      pod,
      "--",
      "/app/bin/node",
      "-e",
      "process.stdout.write(require('fs').readFileSync('/proc/self/status', 'utf8'))",
    ]);
    assert.match(status, /^Uid:\s+65532/m);
    assert.match(status, /^CapEff:\s+0+$/m);
    assert.match(status, /^Seccomp:\s+2$/m);
    const write = await node.kubectl.run([
      "exec",
      "-n",
      namespace,
      pod,
      "--",
      "/app/bin/node",
      "-e",
      "require('fs').writeFileSync('/app/x', '')",
    ]);
    assert.notEqual(write.code, 0);
    assert.match(write.stderr + write.stdout, /EROFS|read-only/);
  });

  test("a mesh becomes workloads, and the namespace's other users have the roles of the chart", async () => {
    await node.kubectl.ok(["create", "namespace", "demo"]);
    await node.kubectl.ok(["apply", "-n", "demo", "-f", "-"], `${connection}---\n${pipeline}`);
    await eventually(async () => assert.equal((await workloads()).trim().split("\n").length, 3), patienceMs);
    const can = (verb: string, resource: string, role: string): Promise<string> =>
      node.kubectl
        .run(["auth", "can-i", verb, resource, "-n", "demo", `--as=system:serviceaccount:demo:${role}`])
        .then(({ stdout }) => stdout.trim());
    for (const role of ["view", "edit"]) {
      await node.kubectl.ok(["create", "serviceaccount", role, "-n", "demo"]);
      await node.kubectl.ok([
        "create",
        "rolebinding",
        role,
        `--clusterrole=${role}`,
        `--serviceaccount=demo:${role}`,
        "-n",
        "demo",
      ]);
    }
    const functions = "functions.compute.functionmesh.io";
    await eventually(async () => assert.equal(await can("list", functions, "view"), "yes"));
    assert.equal(await can("create", functions, "view"), "no");
    assert.equal(await can("create", functions, "edit"), "yes");
  });

  /** Reads and writes without a pause while `work` goes on. @returns how often; @throws AssertionError when one failed */
  const underClient = async (work: () => Promise<void>): Promise<number> => {
    const over = new AbortController();
    const failures: string[] = [];
    let requests = 0;
    const client = async (): Promise<void> => {
      while (!over.signal.aborted) {
        requests += 2;
        const mesh = ["functionmesh", "pipeline", "-n", "demo"];
        const commands = [
          ["get", "functionmeshes", "-n", "demo", "-o", "name"],
          ["annotate", ...mesh, `touched=${requests}`, "--overwrite"],
        ];
        for (const command of commands) {
          // Loud enough to tell what the aggregator answered: of a 503 without a Status kubectl says no more than that.
          const { code, stderr } = await node.kubectl.run([...command, "-v=8"]);
          if (code !== 0) failures.push(stderr);
        }
      }
    };
    const using = client();
    try {
      await work();
    } finally {
      over.abort();
      await using;
    }
    assert.deepEqual(failures, []);
    assert.ok(requests > 10, `${requests} requests`);
    return requests;
  };

  // API R-23, CR-35
  test("replacing the replicas fails no request and restarts no function", async (t) => {
    const before = await workloads();
    const requests = await underClient(async () => {
      await node.kubectl.ok(["rollout", "restart", `deployment/${manager}`, "-n", namespace]);
      await untilRolledOut();
      await untilReady("controller-manager", 2);
    });
    t.diagnostic(`${requests} requests`);
    assert.equal(await workloads(), before);
  });

  test("upgrade and rollback fail no request, keep every object and restart no function", async (t) => {
    const before = await workloads();
    const uid = await get("{.metadata.uid}", "functionmesh", "pipeline", "-n", "demo");
    const requests = await underClient(async () => {
      await install("--set", "controllerManager.logLevel=debug");
      await untilRolledOut();
      await helmRun("rollback", release, "1", "-n", namespace);
      await untilRolledOut();
    });
    t.diagnostic(`${requests} requests`);
    await untilServed();
    assert.equal(await get("{.metadata.uid}", "functionmesh", "pipeline", "-n", "demo"), uid);
    assert.equal(await workloads(), before);
  });

  test("a replica that hangs holds up no namespace for long, and is started again", async (t) => {
    const restarts = async (): Promise<number> => {
      const counts = await ofPods("controller-manager", "{.items[*].status.containerStatuses[*].restartCount}");
      return counts.split(" ").reduce((sum, count) => sum + Number(count), 0);
    };
    const before = await restarts();
    // The newest: older ones may be on their way out after a roll-out.
    await node.shell("sh", "-c", "kill -STOP $(pgrep -nf 'main.[j]s serve')");
    const started = performance.now();
    await node.kubectl.ok(["create", "namespace", "meanwhile"]);
    await node.kubectl.ok(["delete", "namespace", "meanwhile", "--wait=false"]);
    await eventually(
      async () => assert.notEqual((await node.kubectl.run(["get", "namespace", "meanwhile"])).code, 0),
      patienceMs,
      500,
    );
    t.diagnostic(`a namespace was gone after ${Math.round(performance.now() - started)} ms`);
    await eventually(async () => assert.equal(await restarts(), before + 1), 60_000, 1000);
    t.diagnostic(`started again after ${Math.round(performance.now() - started)} ms`);
    await untilReady("controller-manager", 2);
  });

  test("when the leader dies another one reconciles within the lease's time", async () => {
    const holder = await eventually(async () => {
      const identity = await get("{.spec.holderIdentity}", "lease", manager, "-n", namespace);
      assert.notEqual(identity, "");
      return identity;
    });
    const leader = holder.slice(0, holder.lastIndexOf("_"));
    await node.kubectl.ok(["delete", "pod", leader, "-n", namespace, "--grace-period=0", "--force"]);
    const started = performance.now();
    await eventually(async () => {
      const next = await get("{.spec.holderIdentity}", "lease", manager, "-n", namespace);
      assert.ok(next !== "" && next !== holder, next);
    }, 60_000);
    await node.kubectl.ok(["delete", "services", "--all", "-n", "demo"]);
    await eventually(
      async () => assert.equal((await get("{.items[*].metadata.name}", "services", "-n", "demo")).split(" ").length, 3),
      60_000,
    );
    // The lease lasts 15 s and is asked for every 2 s; the rest is a busy machine's.
    assert.ok(performance.now() - started < 40_000);
    await untilReady("controller-manager", 2);
  });

  // API CR-36
  test("uninstalling leaves workloads and data; installing again, from a repository of charts, finds both", async () => {
    const before = await workloads();
    const uid = await get("{.metadata.uid}", "functionmesh", "pipeline", "-n", "demo");
    await helmRun("uninstall", release, "-n", namespace, "--wait");
    assert.equal(await workloads(), before);
    await fromRepository((packaged) => helmRun("install", release, packaged, "-n", namespace));
    await untilServed();
    await eventually(
      async () => assert.equal(await get("{.metadata.uid}", "functionmesh", "pipeline", "-n", "demo"), uid),
      patienceMs,
    );
    assert.equal(await workloads(), before);
  });

  test("the embedded store on a volume, with one replica", async () => {
    await beginAnew(1);
    await install("--set", "storage.type=embedded");
    await untilReady("controller-manager", 1);
    await untilServed();
    await node.kubectl.ok(["apply", "-n", "demo", "-f", "-"], pipeline);
    const uid = await get("{.metadata.uid}", "functionmesh", "pipeline", "-n", "demo");
    await node.kubectl.ok(["delete", "pod", `${manager}-0`, "-n", namespace, "--wait"]);
    await untilReady("controller-manager", 1);
    await untilServed();
    assert.equal(await get("{.metadata.uid}", "functionmesh", "pipeline", "-n", "demo"), uid);
  });

  /** Of the certificates that the replicas show to who connects now. */
  const serials = async (): Promise<readonly string[]> => {
    const pods = (await ofPods("controller-manager", "{.items[*].metadata.name}")).split(" ");
    const script =
      "const s=require('tls').connect({port:8443,rejectUnauthorized:false},()=>{process.stdout.write(s.getPeerCertificate().serialNumber);s.destroy()})";
    return Promise.all(
      pods.map((pod) => node.kubectl.ok(["exec", "-n", namespace, pod, "--", "/app/bin/node", "-e", script])),
    );
  };
  /** All replicas show certificates that are none of these. */
  const untilExchanged = (known: readonly string[]): Promise<void> =>
    eventually(async () => assert.ok((await serials()).every((serial) => !known.includes(serial))), patienceMs, 3000);

  // As cert-manager does it: a Secret whose content is exchanged.
  test("given certificates are exchanged under a calling client; one of three members of etcd is lost", async (t) => {
    await beginAnew(3);
    const authority = await createAuthority("given");
    const secret = async (): Promise<void> => {
      const leaf = await issue(authority, { commonName: release, names: [`${release}.${namespace}.svc`] });
      const { cert, key } = await writeLeaf(directory, "given", leaf);
      const command = ["create", "secret", "tls", "given", `--cert=${cert}`, `--key=${key}`, "-n", namespace];
      await node.kubectl.ok(
        ["apply", "-f", "-"],
        await node.kubectl.ok([...command, "--dry-run=client", "-o", "yaml"]),
      );
    };
    await node.kubectl.ok(["create", "namespace", namespace]);
    await secret();
    const bundle = join(directory, "given-ca.crt");
    await writeFile(bundle, authority.pem);
    const values = ["certificates.provider=secret", "certificates.secretName=given", "storage.etcd.members=3"];
    await install(...values.flatMap((value) => ["--set", value]), "--set-file", `certificates.caBundle=${bundle}`);
    await untilReady("etcd", 3);
    await untilReady("controller-manager", 2);
    await untilServed();
    await node.kubectl.ok(["apply", "-n", "demo", "-f", "-"], pipeline);
    const first = await serials();
    const requests = await underClient(async () => {
      await secret();
      // The kubelet brings the files within 10 s, and they are looked at once a minute.
      await untilExchanged(first);
    });
    t.diagnostic(`${requests} requests`);
    // What a write that the lost member was asked for came to, nobody knows; the next one goes to the others.
    await node.kubectl.ok(["delete", "pod", `${release}-etcd-1`, "-n", namespace, "--grace-period=0", "--force"]);
    await eventually(() => node.kubectl.ok(["annotate", "functionmesh", "pipeline", "-n", "demo", "lost=one"]));
    await untilServed();
    await untilReady("etcd", 3);
  });

  test("cert-manager's certificate is served, and what it renews taken up under a calling client", async (t) => {
    await beginAnew(1);
    const definitions = await moduleDirectory("cert-manager", "github.com/cert-manager/cert-manager");
    await node.kubectl.ok(["apply", "--server-side", "-f", join(definitions, "deploy", "crds")]);
    await node.kubectl.ok(["wait", "--for=condition=Established", "crd", "--all", "--timeout=60s"]);
    resources.use(
      startProcess(await ensureTool("cert-manager"), [node.kubeconfig], {
        logFile: join(directory, "cert-manager.log"),
      }),
    );
    await install("--set", "certificates.provider=cert-manager", "--set", "certificates.certManager.duration=1h");
    await untilReady("controller-manager", 2);
    await untilServed();
    await node.kubectl.ok(["apply", "-n", "demo", "-f", "-"], pipeline);
    const bundle = (): Promise<string> => get("{.spec.caBundle}", "apiservice", apiService);
    const [first, trusted] = [await serials(), await bundle()];
    assert.notEqual(trusted, "");
    const requests = await underClient(async () => {
      // It lives for an hour at least: to be renewed 59 minutes before its end, it is so within a minute.
      const early = JSON.stringify({ spec: { renewBefore: "59m" } });
      await node.kubectl.ok([
        "patch",
        "certificate",
        `${release}-serving-cert`,
        "-n",
        namespace,
        "--type=merge",
        "-p",
        early,
      ]);
      await untilExchanged(first);
    });
    t.diagnostic(`${requests} requests`);
    assert.equal(await bundle(), trusted);
  });
});
