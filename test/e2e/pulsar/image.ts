/**
 * Pulsar as one image that is broker, Java and Python runner and administration tool: the release from Maven Central on Debian's
 * JRE and Python. Packed once into the cache of the tools.
 */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { chmod, copyFile, mkdir, mkdtemp, readdir, readFile, rename, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { pack } from "../../../deploy/image/build.ts";
import { debianTree } from "../support/debian.ts";
import { exists, toolsCache } from "../support/tools.ts";

const run = promisify(execFile);
const here = new URL("./", import.meta.url).pathname;

const pulsarVersion = "4.0.8";
export const pulsarImage = `functionmesh/pulsar:${pulsarVersion}`;
/** Archives of connectors; what Central calls a jar is a NAR, with what it needs inside. */
export const connectors = {
  dataGenerator: `pulsar-io-data-generator-${pulsarVersion}.jar`,
  http: `pulsar-io-http-${pulsarVersion}.jar`,
} as const;

/** The ids that our pods run with. */
const user = { id: 10000, group: 10001 } as const;
const java = "/usr/lib/jvm/java-17-openjdk-amd64";
const tools = ["bash", "dash", "coreutils", "grep", "sed", "gawk", "findutils", "procps", "hostname", "wget"];
const packages = ["base-files", ...tools, "openjdk-17-jre-headless", "python3"];
/** Where the broker, the instances and what we render write. */
const writable = ["conf", "data", "download", "instances/python-instance", "logs", "packages-storage", "tmp"];

/** For `test(name, { skip })`. */
export async function whyNoPulsar(): Promise<false | string> {
  if (process.arch !== "x64") return "the image of Pulsar is made for x64";
  return run("mvn", ["-version"]).then(
    () => false,
    () => "Pulsar comes by mvn",
  );
}

/** Path of the image's archive, packed first if it isn't there: three minutes and half a gigabyte. */
export async function ensurePulsarImage(): Promise<string> {
  const key = createHash("sha256");
  for (const file of ["image.ts", "requirements.txt", "requirements-pure.txt"])
    key.update(await readFile(join(here, file)));
  const archive = join(toolsCache, `pulsar-${key.digest("hex").slice(0, 16)}.tar`);
  if (await exists(archive)) return archive;
  await mkdir(toolsCache, { recursive: true });
  const directory = await mkdtemp(join(tmpdir(), "functionmesh-pulsar-"));
  try {
    const debian = await debianTree(directory, packages, [`pulsar:x:${user.id}:${user.group}::/pulsar:/bin/sh`]);
    const layers = [await complete(debian), await release(directory), await pythonPackages(directory, debian)];
    const { path } = await pack(
      {
        file: "pulsar.tar",
        reference: pulsarImage,
        layers,
        config: {
          Entrypoint: [],
          User: `${user.id}:${user.group}`,
          WorkingDir: "/pulsar",
          Env: [
            `PATH=/pulsar/bin:${java}/bin:/usr/local/bin:/usr/bin:/bin`,
            `JAVA_HOME=${java}`,
            "LANG=C.UTF-8",
            "PYTHONPATH=/pulsar/python",
            // Start-up counts here: optimized code would be ready when the test is over.
            "JAVA_TOOL_OPTIONS=-XX:TieredStopAtLevel=1",
          ],
        },
      },
      join(directory, "pack"),
    );
    const unfinished = `${archive}.${process.pid}`;
    await copyFile(path, unfinished);
    await rm(path);
    await rename(unfinished, archive);
    return archive;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** What the packages' scripts would have done. */
async function complete(root: string): Promise<string> {
  const link = async (target: string, path: string): Promise<void> => {
    if (!(await exists(join(root, path)))) await symlink(target, join(root, path));
  };
  await link("dash", "bin/sh");
  await link("gawk", "usr/bin/awk");
  await link("python3", "usr/bin/python");
  // Shared classes: half a second less for every JVM.
  await run(join(root, java, "bin/java"), ["-Xshare:dump"]);
  return root;
}

async function release(directory: string): Promise<string> {
  const [downloads, root] = [join(directory, "downloads"), join(directory, "release")];
  const home = join(root, "pulsar");
  await mkdir(home, { recursive: true });
  const get = (artifact: string) =>
    run("mvn", [
      "-B",
      "-q",
      "dependency:copy",
      `-Dartifact=org.apache.pulsar:${artifact}`,
      `-DoutputDirectory=${downloads}`,
    ]);
  await get(`pulsar-server-distribution:${pulsarVersion}:tar.gz:bin`);
  for (const name of ["pulsar-io-data-generator", "pulsar-io-http"]) await get(`${name}:${pulsarVersion}`);
  const archive = (await readdir(downloads)).find((name) => name.endsWith(".tar.gz"));
  if (archive === undefined) throw new Error("Maven has brought no distribution of Pulsar");
  await run("tar", ["-xzf", join(downloads, archive), "-C", home, "--strip-components=1"]);
  await mkdir(join(home, "connectors"));
  for (const name of Object.values(connectors)) await copyFile(join(downloads, name), join(home, "connectors", name));
  for (const name of writable) {
    await mkdir(join(home, name), { recursive: true });
    await run("chmod", ["-R", "a+rwX", join(home, name)]);
  }
  await chmod(home, 0o777);
  return root;
}

/** What the Python instance imports, for the Python of the image. */
async function pythonPackages(directory: string, debian: string): Promise<string> {
  const root = join(directory, "python");
  const minor = (await readdir(join(debian, "usr/lib"))).find((name) => /^python3\.\d+$/.test(name));
  if (minor === undefined) throw new Error("Debian's package has brought no Python");
  const install = [
    "-m",
    "pip",
    "install",
    "-q",
    "--disable-pip-version-check",
    "--no-deps",
    "--target",
    join(root, "pulsar/python"),
  ];
  const platform = ["--only-binary=:all:", "--platform=manylinux_2_28_x86_64", "--platform=manylinux2014_x86_64"];
  await run("python3", [
    ...install,
    ...platform,
    `--python-version=${minor.slice("python".length)}`,
    "-r",
    join(here, "requirements.txt"),
  ]);
  await run("python3", [...install, "-r", join(here, "requirements-pure.txt")]);
  return root;
}
