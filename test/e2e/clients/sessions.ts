/**
 * Clients in other languages, each a program beside this file that takes the same steps in its own way:
 * `PROGRAM KUBECONFIG NAMESPACE` prints the name of each step as soon as it has passed.
 */
import { join } from "node:path";
import { ensureCrate, whyNoCargo } from "../support/cargo.ts";
import { ensureJavaClass, whyNoJava } from "../support/java.ts";
import { ensurePython } from "../support/python.ts";
import { ensureTool } from "../support/tools.ts";

const folder = new URL(".", import.meta.url).pathname;

/** What every client is put through; a session may have more steps. */
export const commonSteps = [
  "create",
  "replace",
  "list_in_pages",
  "server_side_apply",
  "watch_from_a_list",
  "informer",
  "leader_election",
  "delete",
];

export type ClientSession = {
  readonly name: string;
  /** What it shows besides the common steps. */
  readonly more: readonly string[];
  /** Why it cannot be run here; it is, without. */
  readonly skip?: () => Promise<false | string>;
  /** Its command line, built first if need be, but for the kubeconfig and the namespace. */
  readonly command: () => Promise<readonly [program: string, ...args: string[]]>;
};

export const clientSessions: readonly ClientSession[] = [
  {
    name: "Python",
    more: ["dynamic_client"],
    command: async () => [await ensurePython(join(folder, "requirements.txt")), join(folder, "session.py")],
  },
  {
    name: "client-go",
    more: ["discovery", "patch", "scale", "apply_configurations", "protobuf"],
    command: async () => [await ensureTool("clients"), "client-go"],
  },
  {
    name: "controller-runtime",
    more: ["reconcile", "create_or_update", "status"],
    command: async () => [await ensureTool("clients"), "controller-runtime"],
  },
  {
    name: "kube-rs",
    more: [],
    skip: whyNoCargo,
    command: async () => [await ensureCrate(join(folder, "kube-rs"), "kube-rs-session")],
  },
  {
    name: "fabric8",
    more: [],
    skip: whyNoJava,
    command: async () => ["java", "-cp", await ensureJavaClass(join(folder, "fabric8"), "Session"), "Session"],
  },
];
