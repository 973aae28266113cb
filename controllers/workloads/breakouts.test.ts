/**
 * No text of a user is ever run: hostile text in every field that has text, in the commands of all containers and of the
 * clean-up Job, run by real shells to their ends. What is called are stand-ins, and one that only hostile text names.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import type { JsonObject, JsonValue, KubeObject } from "../../apiserver/apis/meta/v1.ts";
import { isObject } from "../../apiserver/machinery/json.ts";
import { podOf, render, renderCleanup, workloadOf } from "../../test/support/render.ts";
import type { WorkloadKind } from "../../test/support/workloads.ts";

const root = mkdtempSync(join(tmpdir(), "breakouts-"));
after(() => rmSync(root, { recursive: true, force: true }));
const [programs, calls, breakout] = [join(root, "bin"), join(root, "calls"), join(root, "breakout")];
for (const directory of [programs, "pulsar/bin", "pulsar/conf/java-log", "pulsar/conf/python-log", "logs/functions"]) {
  mkdirSync(join(root, directory.replace(root, "")), { recursive: true });
}
function standIn(file: string, script: string): void {
  writeFileSync(file, `#!/bin/sh\n${script}\n`);
  chmodSync(file, 0o755);
}
const called = ["java", "python", "pulsarctl", "pulsar_rust_instance", "sed", "mkdir", "chmod", "sleep", "ls", "cp"];
for (const name of called) standIn(join(programs, name), `echo ${name} >> ${calls}`);
standIn(join(root, "pulsar/bin/pulsar-admin"), `echo pulsar-admin >> ${calls}`);
standIn(join(root, "instance"), `echo instance >> ${calls}`);
standIn(join(programs, "canary"), `echo "$0" "$@" >> ${breakout}`);

const payloads: { readonly [what: string]: string } = {
  substitution: "$(canary)",
  "substitution by backquotes": "`canary`",
  "behind an apostrophe": "'; canary; '",
  "behind a quote": '"; canary; "',
  "behind both": `'"; canary; "'`,
  "an apostrophe as we quote it": `'"'"'; canary #`,
  "lines of their own": "\ncanary\n",
  "lines of Windows": "\r\ncanary\r\n",
  "behind the last": "&& canary &&",
  "instead of the last": "|| canary ||",
  "in the background": "& canary &",
  "down a pipe": "| canary |",
  "behind a semicolon": "; canary ;",
  "dollars that Kubernetes halves": "$$(canary)",
  "dollars that Kubernetes halves twice": "$$$$(canary)",
  "odd dollars": "$$$(canary)",
  "a reference that Kubernetes fills": "$(EVIL)",
  "references in each other": "$($(POD_NAME))$(EVIL)$(canary)",
  "a default of a variable": "${unset:-$(canary)}",
  "a backslash before the quote": "\\'; canary; \\'",
  "a backslash at the end": "\\",
  "a process": "<(canary) >(canary)",
  arithmetic: "$((a[$(canary)]))",
  "a file to write": "> x; canary",
  "a here-document": "<<X\n$(canary)\nX\n",
  "an ANSI string": "$'\\x27; canary; \\x27'",
  "a comment's end": "#\ncanary",
  "a history": "!canary",
  "braces and a tilde": "{a,$(canary)} ~ *",
  "an assignment": "PATH=/x canary",
};

const message = (p: string) => ({
  pulsarConfig: "p",
  authConfig: { genericAuth: { clientAuthenticationPlugin: p, clientAuthenticationParameters: p } },
  tlsConfig: { enabled: true, allowInsecure: true, certSecretName: "s", certSecretKey: p },
});
const oauth = (p: string) => ({
  pulsarConfig: "p",
  authConfig: { oauth2Config: { issuerUrl: p, audience: p, scope: p, keySecretName: "s", keySecretKey: p } },
});
const input = (p: string) => ({
  topics: [p],
  topicPattern: p,
  typeClassName: p,
  customSerdeSources: { [`${p}1`]: p },
  customSchemaSources: { [`${p}2`]: p },
  sourceSpecs: { [`${p}3`]: { schemaType: p, serdeClassname: p, schemaProperties: { [p]: p } } },
});
const common = (p: string): JsonObject => ({
  className: p,
  tenant: p,
  namespace: p,
  name: p,
  clusterName: p,
  logTopic: p,
  secretsMap: { [p]: { path: "s", key: p } },
  pulsar: message(p),
  cleanupSubscription: true,
  subscriptionName: p,
  pod: { env: [{ name: "EVIL", value: "'; canary; $(canary)" }] },
});
const output = (p: string) => ({ topic: p, typeClassName: p, sinkSerdeClassName: p, sinkSchemaType: p });

/** Of each kind, runtime and way to get a package. */
const specs: { readonly [what: string]: { readonly kind: WorkloadKind; readonly spec: (p: string) => JsonObject } } = {
  "Java, downloaded": {
    kind: "Function",
    spec: (p) => ({
      ...common(p),
      input: input(p),
      output: output(p),
      deadLetterTopic: p,
      maxMessageRetry: 1,
      funcConfig: { [p]: p },
      java: {
        jar: p,
        jarLocation: `http://x/${p}`,
        extraDependenciesDir: p,
        javaOpts: [p, `-D${p}`],
        log: { level: "debug", rotatePolicy: "SizedPolicyWith10MB" },
      },
    }),
  },
  "Java from packages, with OAuth2 and a log agent": {
    kind: "Function",
    spec: (p) => ({
      ...common(p),
      input: input(p),
      pulsar: oauth(p),
      logTopicAgent: "sidecar",
      imageHasPulsarctl: true,
      java: { jar: `/pulsar/${p}`, jarLocation: `function://t/n/${p}` },
    }),
  },
  Python: {
    kind: "Function",
    spec: (p) => ({
      ...common(p),
      input: input(p),
      java: undefined,
      imageHasWget: true,
      python: { py: p, pyLocation: `http://x/${p}`, log: { level: "info", rotatePolicy: "SizedPolicyWith10MB" } },
    }),
  },
  Go: {
    kind: "Function",
    spec: (p) => ({
      ...common(p),
      input: input(p),
      java: undefined,
      golang: { go: "/instance", goLocation: `http://x/${p}` },
    }),
  },
  "another runtime": {
    kind: "Function",
    spec: (p) => ({
      ...common(p),
      input: input(p),
      java: undefined,
      genericRuntime: { functionFile: p, functionFileLocation: `sink://a/b/${p}`, language: p },
    }),
  },
  "a batch Source": {
    kind: "Source",
    spec: (p) => ({
      ...common(p),
      output: output(p),
      sourceType: p,
      sourceConfig: { [p]: p, archive: p },
      java: { jar: p, jarLocation: `http://x/${p}` },
      batchSourceConfig: { discoveryTriggererClassName: p, discoveryTriggererConfig: { [p]: p } },
    }),
  },
  "a Sink": {
    kind: "Sink",
    spec: (p) => ({ ...common(p), input: input(p), sinkType: p, sinkConfig: { [p]: p }, java: { jar: p } }),
  },
};

/** What Kubernetes makes of an element of `command`, given the container's environment. */
const expanded = (text: string, env: { readonly [name: string]: string }): string =>
  text.replace(/\$\$|\$\(([^)]*)\)/g, (match, name?: string) =>
    match === "$$" ? "$" : name !== undefined && Object.hasOwn(env, name) ? (env[name] ?? "") : match,
  );

const textsOf = (value: JsonValue | undefined): string[] => (Array.isArray(value) ? value.map(String) : []);

/** @returns the programs that were called */
function runAll(object: KubeObject): string[] {
  writeFileSync(calls, "");
  const { containers, initContainers = [] } = podOf(object).spec;
  for (const { command, args, env = [] } of [...initContainers, ...containers]) {
    const known = Object.fromEntries(env.map(({ name, value }) => [name, value ?? "w-0"]));
    const [program = "", ...rest] = [...textsOf(command), ...textsOf(args)].map((word) =>
      expanded(word, known).replaceAll("/pulsar/", `${root}/pulsar/`).replaceAll("/instance ", `${root}/instance `),
    );
    if (program !== "sh" && program !== "bash") continue;
    spawnSync(`/bin/${program}`, rest, { cwd: root, env: { ...known, PATH: programs, webServiceURL: "w" } });
  }
  return readFileSync(calls, "utf8").trim().split("\n");
}

/** That these got to the end of their scripts shows that nothing before it kept hostile text from being looked at. */
const instances = new Set(["java", "python", "pulsar_rust_instance", "instance"]);
const cleans = (value: JsonValue | undefined): boolean => isObject(value) && value.cleanupSubscription === true;

for (const [what, { kind, spec }] of Object.entries(specs)) {
  for (const [how, payload] of Object.entries(payloads)) {
    test(`${what}: text with ${how} is text`, () => {
      rmSync(breakout, { force: true });
      const given = spec(payload);
      const workload = workloadOf(kind, given);
      const seen = runAll(render(workload).StatefulSet);
      assert.ok(
        seen.some((name) => instances.has(name)),
        `only ${seen.join(", ")} were called`,
      );
      if (cleans(given)) runAll(renderCleanup(workload));
      assert.ok(!existsSync(breakout), "hostile text was run");
    });
  }
}
