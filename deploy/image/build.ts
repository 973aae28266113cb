/**
 * Builds container images without a registry or a daemon: `npm run image` for the server, `npm run image -- etcd FILE` for an
 * etcd around a binary. The files are the Dockerfile's; the C library and the CA certificates come from Debian's packages.
 *
 * Writes `dist/images/NAME.tar`: an OCI layout that is a `docker save` archive too, so that `ctr images import`, `docker load`,
 * podman and skopeo read it; and an SBOM (SPDX) beside it. The same commit gives the same bytes.
 */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { chmod, copyFile, mkdir, mkdtemp, readdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { promisify } from "node:util";

const run = promisify(execFile);
const project = new URL("../../", import.meta.url).pathname;
const output = join(project, "dist", "images");
const maxOutputBytes = 64 * 1024 * 1024;

/** Debian packages whose files a Node binary needs; no maintainer script is run. */
const nodeLibraries = ["base-files", "libc6", "libstdc++6", "libgcc-s1", "libatomic1", "ca-certificates", "tzdata"];
const user = { id: 65532, name: "nonroot" } as const;

export type Config = {
  readonly Entrypoint: readonly string[];
  readonly Env?: readonly string[];
  readonly User: string;
  readonly WorkingDir?: string;
  readonly ExposedPorts?: { readonly [port: string]: object };
};

export type Image = {
  readonly file: string;
  readonly reference: string;
  /** Root directories, one per layer, the lowest first. */
  readonly layers: readonly string[];
  readonly config: Config;
};

async function command(program: string, args: readonly string[], cwd: string): Promise<string> {
  const { stdout } = await run(program, args, { cwd, maxBuffer: maxOutputBytes });
  return stdout;
}

/** Unpacks Debian packages into a root directory, without what nobody reads in a container. */
async function debianRoot(directory: string, packages: readonly string[]): Promise<string> {
  const [root, archives] = [join(directory, "root"), join(directory, "archives")];
  await Promise.all([root, archives].map((each) => mkdir(each, { recursive: true })));
  await command("apt-get", ["download", "-q", "-o", "APT::Sandbox::User=root", ...packages], archives);
  for (const archive of (await readdir(archives)).sort())
    await command("dpkg", ["-x", join(archives, archive), root], directory);
  for (const each of ["doc", "man", "locale", "lintian", "bug"])
    await rm(join(root, "usr/share", each), { recursive: true, force: true });
  const certificates = join(root, "usr/share/ca-certificates/mozilla");
  const bundle = packages.includes("ca-certificates") ? await command("sh", ["-c", "cat ./*.crt"], certificates) : "";
  await mkdir(join(root, "etc/ssl/certs"), { recursive: true });
  await mkdir(join(root, "tmp"), { recursive: true });
  await chmod(join(root, "tmp"), 0o1777);
  await writeFile(join(root, "etc/ssl/certs/ca-certificates.crt"), bundle);
  await writeFile(join(root, "etc/nsswitch.conf"), "hosts: files dns\n");
  await writeFile(
    join(root, "etc/passwd"),
    `root:x:0:0:root:/:/sbin/nologin\n${user.name}:x:${user.id}:${user.id}::/:/sbin/nologin\n`,
  );
  await writeFile(join(root, "etc/group"), `root:x:0:\n${user.name}:x:${user.id}:\n`);
  return root;
}

/** The commit as it is, not what happens to lie around. */
async function serverRoot(directory: string): Promise<string> {
  const [source, root] = [join(directory, "source"), join(directory, "app-root")];
  await mkdir(source, { recursive: true });
  await command("sh", ["-c", 'git -C "$1" archive HEAD | tar -x -C "$2"', "sh", project, source], directory);
  await command("npm", ["ci"], source);
  await command("node_modules/.bin/tsc", ["-p", "deploy/image/tsconfig.json"], source);
  await command("npm", ["ci", "--omit=dev"], source);
  await command("bash", ["deploy/image/assemble.sh", source, join(root, "app")], source);
  const sbom = await command("npm", ["sbom", "--omit=dev", "--package-lock-only", "--sbom-format=spdx"], source);
  await mkdir(output, { recursive: true });
  await writeFile(join(output, "apiserver.spdx.json"), sbom);
  return root;
}

type Blob = { readonly file: string; readonly digest: string; readonly size: number };

async function blobOf(file: string): Promise<Blob> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(file), hash);
  return { file, digest: hash.digest("hex"), size: (await stat(file)).size };
}

/** One layer: names in order, no times, owned by root, so that the same files are the same bytes. */
async function layerOf(root: string, file: string): Promise<Blob> {
  const plain = [
    "--sort=name",
    "--mtime=@0",
    "--owner=0",
    "--group=0",
    "--numeric-owner",
    "--format=posix",
    "--pax-option=delete=atime,delete=ctime",
  ];
  await command("tar", [...plain, "-C", root, "-cf", file, "."], root);
  return blobOf(file);
}

/**
 * Packs root directories as an image.
 * @param directory for intermediate files; the caller removes it
 * @returns the archive's path and its size in bytes
 */
export async function pack(image: Image, directory: string): Promise<{ readonly path: string; readonly size: number }> {
  const layout = join(directory, "layout");
  const blobs = join(layout, "blobs", "sha256");
  await mkdir(blobs, { recursive: true });
  const place = async (blob: Blob): Promise<Blob> => {
    await rename(blob.file, join(blobs, blob.digest));
    return blob;
  };
  const json = async (value: object): Promise<Blob> => {
    const file = join(directory, "part.json");
    await writeFile(file, JSON.stringify(value));
    return place(await blobOf(file));
  };
  const layers: Blob[] = [];
  for (const root of image.layers) layers.push(await place(await layerOf(root, join(directory, "layer.tar"))));
  const architecture = process.arch === "x64" ? "amd64" : process.arch;
  const config = await json({
    architecture,
    os: "linux",
    created: "1970-01-01T00:00:00Z",
    config: image.config,
    rootfs: { type: "layers", diff_ids: layers.map(({ digest }) => `sha256:${digest}`) },
  });
  const descriptor = (mediaType: string, { digest, size }: Blob): object => ({
    mediaType,
    digest: `sha256:${digest}`,
    size,
  });
  const manifest = await json({
    schemaVersion: 2,
    mediaType: "application/vnd.oci.image.manifest.v1+json",
    config: descriptor("application/vnd.oci.image.config.v1+json", config),
    layers: layers.map((layer) => descriptor("application/vnd.oci.image.layer.v1.tar", layer)),
  });
  const tag = image.reference.slice(image.reference.lastIndexOf(":") + 1);
  await writeFile(join(layout, "oci-layout"), JSON.stringify({ imageLayoutVersion: "1.0.0" }));
  await writeFile(
    join(layout, "index.json"),
    JSON.stringify({
      schemaVersion: 2,
      manifests: [
        {
          ...descriptor("application/vnd.oci.image.manifest.v1+json", manifest),
          // The first is the specification's; importers of containerd's kind want the whole name.
          annotations: {
            "org.opencontainers.image.ref.name": tag,
            "io.containerd.image.name": `docker.io/${image.reference}`,
          },
        },
      ],
    }),
  );
  const blobPath = ({ digest }: Blob): string => `blobs/sha256/${digest}`;
  await writeFile(
    join(layout, "manifest.json"),
    JSON.stringify([{ Config: blobPath(config), RepoTags: [image.reference], Layers: layers.map(blobPath) }]),
  );
  await mkdir(output, { recursive: true });
  const { file: path, size } = await layerOf(layout, join(output, image.file));
  return { path, size };
}

const base = { User: `${user.id}:${user.id}`, WorkingDir: "/" };

async function serverImage(directory: string): Promise<Image> {
  const { default: description } = await import("../../package.json", { with: { type: "json" } });
  return {
    file: "apiserver.tar",
    reference: `functionmesh/apiserver:${description.version}`,
    layers: [await debianRoot(directory, nodeLibraries), await serverRoot(directory)],
    config: {
      ...base,
      WorkingDir: "/app",
      Entrypoint: ["/app/bin/node", "/app/dist/apiserver/cmd/main.js"],
      Env: ["PATH=/app/bin", "NODE_ENV=production"],
      ExposedPorts: { "8443/tcp": {} },
    },
  };
}

async function etcdImage(directory: string, binary: string): Promise<Image> {
  const root = await debianRoot(directory, ["base-files", "libc6"]);
  await copyFile(binary, join(root, "etcd"));
  await chmod(join(root, "etcd"), 0o755);
  return {
    file: "etcd.tar",
    reference: "functionmesh/etcd:3",
    layers: [root],
    config: { ...base, Entrypoint: ["/etcd"], Env: ["PATH=/"], ExposedPorts: { "2379/tcp": {}, "2380/tcp": {} } },
  };
}

/** @throws Error that says how it is called */
function recipe([name = "apiserver", binary]: readonly string[]): (directory: string) => Promise<Image> {
  if (name === "apiserver") return serverImage;
  if (name === "etcd" && binary !== undefined) return (directory) => etcdImage(directory, binary);
  throw new Error("usage: npm run image [-- apiserver | etcd BINARY]");
}

/** Builds the image that the arguments name. */
export async function build(args: readonly string[]): Promise<{ readonly path: string; readonly size: number }> {
  const make = recipe(args);
  const directory = await mkdtemp(join(tmpdir(), "functionmesh-image-"));
  try {
    return await pack(await make(directory), directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

if (import.meta.main) {
  const started = Date.now();
  const { path, size } = await build(process.argv.slice(2));
  console.log(`${path}: ${(size / 1e6).toFixed(0)} MB in ${((Date.now() - started) / 1000).toFixed(0)} s`);
}
