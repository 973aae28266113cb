/** The program: arguments and environment in, a server that runs until it is told to stop, an exit code out. */
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { mastersGroup } from "../authentication/user.ts";
import { StartError } from "../errors/start-error.ts";
import { systemClock } from "../machinery/clock.ts";
import { createLogger, type Logger } from "../observability/log.ts";
import { exportStore, type Progress } from "../storage/backup/export.ts";
import { importStore } from "../storage/backup/import.ts";
import { dataDirectoryOf } from "../storage/embedded/data-directory.ts";
import { fileProblem, problemOf, readProblemOf } from "../storage/embedded/file-problems.ts";
import { recordAddress, recordedAddress } from "./address-file.ts";
import { announcement, nextCommands } from "./announcement.ts";
import { type CommandLine, helpText, parseCommandLine, UsageError } from "./command-line.ts";
import { run } from "./compose.ts";
import type { Started } from "./compose-run.ts";
import type { Options } from "./options.ts";
import { mintClientCertificate, writeKubeconfig } from "./pki.ts";
import { pkiDirectory, standaloneFoundation, storeMemoryFile } from "./standalone.ts";
import { openBackend } from "./storage.ts";

const exitUsage = 2;
const exitFailure = 1;
const progressEveryMs = 1000;

function readCommandLine(): CommandLine | undefined {
  try {
    return parseCommandLine(process.argv.slice(2), process.env);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    process.stderr.write(`${error.problems.join("\n")}\n`);
    process.exitCode = exitUsage;
    return undefined;
  }
}

async function main(): Promise<void> {
  const commandLine = readCommandLine();
  if (commandLine === undefined) return;
  const { command, options, help } = commandLine;
  if (help) {
    process.stdout.write(helpText(command));
    return;
  }
  const log = createLogger({ level: options.logLevel, pretty: process.stdout.isTTY === true });
  try {
    if (command === "kubeconfig") await mintKubeconfig(options);
    else if (command === "accept-store") await acceptStore(options);
    else if (command === "export" || command === "import") await backUp(command, options);
    else
      await untilStopped(
        command === "standalone" ? await startStandalone(options, log) : await startAggregated(options, log),
        log,
      );
  } catch (error) {
    if (error instanceof StartError) log.error({}, error.message);
    else log.error({ err: error }, error instanceof Error ? error.message : "the server failed");
    process.exitCode = exitFailure;
  }
}

async function startStandalone(options: Options, log: Logger): Promise<Started> {
  const server = await run(options, log, standaloneFoundation);
  const { pki } = server.foundation;
  const kubeconfig = options.writeKubeconfig === "" ? join(options.dataDir, "kubeconfig") : options.writeKubeconfig;
  const url = urlOf(server);
  try {
    recordAddress(options.dataDir, url);
    await writeKubeconfig(kubeconfig, {
      server: url,
      caBundle: pki.caBundle,
      user: "functionmesh-admin",
      credentials: pki.admin,
    });
  } catch (error) {
    await server.stop();
    throw error;
  }
  announce(log, url, kubeconfig);
  return server;
}

async function startAggregated(options: Options, log: Logger): Promise<Started> {
  // The host's client is a second of start-up that a laptop should not pay.
  const { aggregatedFoundation } = await import("./serve.ts");
  const server = await run(options, log, aggregatedFoundation);
  log.info({ url: urlOf(server) }, "serving");
  return server;
}

function urlOf({ address, port }: Started): string {
  const host = address === "0.0.0.0" || address === "::" ? "127.0.0.1" : address;
  return `https://${host.includes(":") ? `[${host}]` : host}:${port}`;
}

function announce(log: Logger, url: string, kubeconfig: string): void {
  if (process.stdout.isTTY === true) process.stdout.write(announcement(url, kubeconfig));
  else log.info({ url, kubeconfig, next: nextCommands(kubeconfig) }, "serving");
}

/** `kubeconfig --user jane --groups devs`: a client certificate for somebody who is not the administrator. */
async function mintKubeconfig(options: Options): Promise<void> {
  const { user, groups, dataDir, writeKubeconfig: given } = options;
  const { caBundle, expires, ...credentials } = await mintClientCertificate(pkiDirectory(dataDir), { user, groups });
  const file = given === "" ? join(dataDir, `${encodeURIComponent(user)}.kubeconfig`) : given;
  const server = recordedAddress(dataDir) ?? `https://127.0.0.1:${options.securePort}`;
  await writeKubeconfig(file, { server, caBundle, user, credentials });
  process.stdout.write(`${file}\n`);
  if (groups.includes(mastersGroup)) process.stderr.write(`${mastersNotice(file, expires)}\n`);
}

/** Nobody gives that away unknowingly: RBAC is not asked about its members. */
const mastersNotice = (file: string, expires: Date): string =>
  `warning: whoever has ${file} may do everything until ${expires.toISOString()}: members of ${mastersGroup} are asked ` +
  `for no role, and no RBAC rule takes that back. For less, leave the group out and bind roles to the user`;

/** `export` and `import`: how far it is goes to stderr, what came of it to stdout. */
async function backUp(command: "export" | "import", options: Options): Promise<void> {
  const unusable = fileProblem(options.file);
  if (unusable !== undefined) throw new StartError(`--file cannot be used: ${unusable}`);
  await using backend = await openBackend(options, { asFound: false });
  let toldAtMs = systemClock.now();
  const progress: Progress = (done, of) => {
    if (systemClock.now() - toldAtMs < progressEveryMs) return;
    toldAtMs = systemClock.now();
    process.stderr.write(`${done} of ${of} keys\n`);
  };
  const [run, verb, problem] =
    command === "export"
      ? ([exportStore, "exported to", problemOf] as const)
      : ([importStore, "imported from", readProblemOf] as const);
  const keys = await run(backend, options.file, progress).catch((error: unknown) => {
    if (!(error instanceof Error && "path" in error && String(error.path).startsWith(options.file))) throw error;
    throw new StartError(`--file ${options.file} cannot be used: ${problem(error, options.file)}`, { cause: error });
  });
  process.stdout.write(`${keys} keys ${verb} ${options.file}\n`);
}

/** `accept-store`: the next start takes the store as it is, and remembers it from then on. */
async function acceptStore({ dataDir }: Options): Promise<void> {
  const files = [storeMemoryFile(dataDir), dataDirectoryOf(dataDir).markFile];
  const removed = await Promise.all(files.map(forget));
  const forgotten = removed.flatMap((text) => text ?? []);
  process.stdout.write(
    forgotten.length === 0 ? "nothing is remembered of a store\n" : `no longer remembered: ${forgotten.join(", ")}\n`,
  );
}

/** Removes the file; what was in it. */
async function forget(file: string): Promise<string | undefined> {
  try {
    const text = await readFile(file, "utf8");
    await rm(file);
    return text.trim();
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}

/** Resolves after the first SIGTERM or SIGINT, once everything has ended; a second one ends the process at once. */
async function untilStopped(server: Started, log: Logger): Promise<void> {
  await new Promise<void>((resolve) => {
    for (const name of ["SIGTERM", "SIGINT"] as const) {
      process.once(name, () => {
        log.info({ signal: name }, "stopping");
        process.once(name, () => process.exit(exitFailure));
        resolve();
      });
    }
  });
  await server.stop();
}

await main();
