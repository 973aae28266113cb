/** What the chart and the plain manifests both say is the same; what the program needs of them is there. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import type { JsonObject, JsonValue } from "../apiserver/apis/meta/v1.ts";
import { rows } from "../apiserver/cmd/options.ts";
import { listOf, objectOf, textOf } from "../apiserver/machinery/fields.ts";
import { isObject } from "../apiserver/machinery/json.ts";
import { parseYaml } from "../apiserver/machinery/yaml.ts";

const read = (file: string): string => readFileSync(new URL(`../deploy/${file}`, import.meta.url), "utf8");
const documents = (file: string): readonly JsonObject[] =>
  read(file)
    .split(/^---$/m)
    .map((text) => parseYaml(text).value)
    .filter(isObject);
const chart = "charts/function-mesh-operator";
const rulesOf = (name: string): JsonValue => parseYaml(read(`${chart}/files/${name}-rules.yaml`)).value;

const roles = [
  ["rbac.yaml", "functionmesh-apiserver:workloads", "workload"],
  ["user-roles.yaml", "functionmesh:edit", "edit"],
  ["user-roles.yaml", "functionmesh:view", "view"],
] as const;
for (const [file, name, rules] of roles) {
  test(`${name} grants the same in deploy/base and in the chart`, () => {
    const role = documents(`base/${file}`).find(
      (object) => object.kind === "ClusterRole" && textOf(objectOf(object, "metadata"), "name") === name,
    );
    assert.deepEqual(role?.rules, rulesOf(rules));
  });
}

const flags = new Set(Object.values(rows).map(({ flag }) => flag));
for (const file of ["base/deployment.yaml", `${chart}/templates/controller-manager.yaml`]) {
  test(`${file} gives only options that exist`, () => {
    const given = [...read(file).matchAll(/^\s+- --([a-z0-9-]+)/gm)].map(([, flag = ""]) => flag);
    assert.ok(given.length > 5);
    assert.deepEqual(
      given.filter((flag) => !flags.has(flag)),
      [],
    );
  });
}

test("every value of the chart is described, and every description is of a value", () => {
  const values = parseYaml(read(`${chart}/values.yaml`)).value;
  const schema: JsonValue = JSON.parse(read(`${chart}/values.schema.json`));
  const undescribed = (value: JsonValue | undefined, described: JsonValue | undefined, path: string): string[] => {
    if (!isObject(described)) return [path];
    const properties = objectOf(described, "properties");
    const problems = textOf(described, "description") === "" && path !== "" ? [path] : [];
    if (properties === undefined) return problems.filter((each) => !/\.members$/.test(each));
    const given = isObject(value) ? value : {};
    const names = new Set([...Object.keys(given), ...Object.keys(properties)].filter((name) => name !== "global"));
    return [...names].flatMap((name) =>
      name in given ? undescribed(given[name], properties[name], `${path}.${name}`) : optional(`${path}.${name}`),
    );
  };
  /** What has no default stands in the schema alone. */
  const optional = (path: string): string[] => (/^\.controllerManager\.runnerImages\./.test(path) ? [] : [path]);
  assert.deepEqual(undescribed(values, schema, ""), []);
});

for (const file of ["base/deployment.yaml", `${chart}/templates/controller-manager.yaml`]) {
  // The chart's are no YAML before Helm has rendered them.
  test(`${file} restarts a server that hangs, soon, and none whose etcd is away`, () => {
    const probes = [...read(file).matchAll(/^ +(startup|liveness|readiness)Probe:\n((?: {12}.*\n)+)/gm)];
    const of = (name: string): string => probes.find(([, each]) => each === name)?.[2] ?? "";
    for (const name of ["startup", "liveness"]) assert.match(of(name), /path: "\/livez\?exclude=etcd"/);
    assert.match(of("readiness"), /path: \/readyz,/);
    const number = (field: string): number => Number(new RegExp(`${field}: (\\d+)`).exec(of("liveness"))?.[1]);
    const seconds = number("failureThreshold") * number("periodSeconds") + number("terminationGracePeriodSeconds");
    assert.ok(seconds <= 20, `${seconds} s`);
  });
}

test("pods of both run without rights", () => {
  const [deployment] = documents("base/deployment.yaml");
  const template = objectOf(objectOf(objectOf(deployment, "spec"), "template"), "spec");
  const [container] = listOf(template, "containers").filter(isObject);
  assert.partialDeepStrictEqual(template?.securityContext, {
    runAsNonRoot: true,
    seccompProfile: { type: "RuntimeDefault" },
  });
  const rights = { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ["ALL"] } };
  assert.deepEqual(container?.securityContext, rights);
  const helpers = read(`${chart}/templates/_helpers.tpl`);
  for (const line of [
    "allowPrivilegeEscalation: false",
    "readOnlyRootFilesystem: true",
    "drop: [ALL]",
    "runAsNonRoot: true",
  ])
    assert.ok(helpers.includes(line), line);
});

test("alerts and dashboard ask for metrics that the server tells", () => {
  const sources = ["metrics", "controller-metrics", "component-metrics"].map((name) =>
    readFileSync(new URL(`../apiserver/observability/${name}.ts`, import.meta.url), "utf8"),
  );
  const told = new Set([...sources.join("").matchAll(/name: "([a-z_]+)"/g)].map(([, name = ""]) => name));
  const asked = [
    ...`${read(`${chart}/files/alerts.yaml`)}${read(`${chart}/files/dashboard.json`)}`.matchAll(/\b([a-z_]+)\{/g),
  ];
  const names = new Set(asked.map(([, name = ""]) => name.replace(/_bucket$/, "")));
  assert.ok(names.size > 8);
  const others = new Set(["up", "process_resident_memory_bytes", "process_cpu_seconds_total"]);
  assert.deepEqual(
    [...names].filter((name) => !told.has(name) && !others.has(name)),
    [],
  );
});

test("with cert-manager the APIService trusts a CA that outlives the serving certificate", () => {
  const text = read(`${chart}/templates/service.yaml`);
  const ofKind = (kind: string): readonly string[] =>
    text.split(/^---$/m).filter((document) => document.includes(`\nkind: ${kind}\n`));
  const [ca = "", serving = ""] = ofKind("Certificate");
  assert.match(ca, /isCA: true[\s\S]*duration: 87600h[\s\S]*name: \{\{ \$ca \}\}-selfsigned\}/);
  assert.match(serving, /duration: \{\{ \.Values\.certificates\.certManager\.duration \}\}/);
  assert.ok(ofKind("Issuer").some((issuer) => issuer.includes("ca: {secretName: {{ $ca }}}")));
  assert.match(text, /\$issuer = dict "kind" "Issuer" "name" \$ca \}\}/);
});
