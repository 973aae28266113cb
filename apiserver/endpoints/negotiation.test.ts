import assert from "node:assert/strict";
import { test } from "node:test";
import { aRequest } from "../../test/support/requests.ts";
import { refused } from "../../test/support/widgets.ts";
import { errorFormat, negotiateDocument, negotiateOutput, negotiateStream } from "./negotiation.ts";

const table = "application/json;as=Table;v=v1;g=meta.k8s.io";
/** `json`, `yaml Table v1`, `json pretty`, or `406`. */
function chosen(accept: string | readonly string[], url = "/", agent = ""): string {
  const headers = { ...(accept === "" ? {} : { accept }), ...(agent === "" ? {} : { "user-agent": agent }) };
  try {
    const { mediaType, transform, pretty } = negotiateOutput(aRequest({ url, headers }));
    const shape = transform.as === "none" ? [] : [transform.as, transform.version];
    return [mediaType.slice("application/".length), ...shape, ...(pretty ? ["pretty"] : [])].join(" ");
  } catch (error) {
    return refused(406, /only the following media types are accepted/)(error) ? "406" : "";
  }
}

for (const [accept, expected] of [
  ["", "json"],
  ["*/*", "json"],
  ["application/*", "json"],
  ["application/yaml", "yaml"],
  ["text/html, application/yaml", "yaml"],
  ["application/yaml, application/json", "yaml"],
  ["application/yaml;q=0.5, application/json;q=0.9", "json"],
  ["*/*, application/yaml", "yaml"],
  ["application/yaml;q=x, application/json;q=0.9", "yaml"],
  ["application/json;q=0", "json"],
  ["application/vnd.kubernetes.protobuf,application/json", "json"],
  [table, "json Table v1"],
  ["application/yaml;as=Table;v=v1beta1;g=meta.k8s.io", "yaml Table v1beta1"],
  [`application/json;as=Table;v=v2;g=meta.k8s.io,${table}`, "json Table v1"],
  [`${table};profile=x;unknown=y`, "json Table v1"],
  ["application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1", "json PartialObjectMetadata v1"],
  ["application/json;as=Table;g=other;v=v1", "406"],
  ["application/vnd.kubernetes.protobuf;as=Table;g=meta.k8s.io;v=v1", "406"],
  ["application/json;sv=1", "406"],
  ["application/json;sv=v1", "json"],
  ["application/json;v=v1", "406"],
  ["application/json;g=meta.k8s.io,application/yaml", "yaml"],
  ["application/json;stream=other", "406"],
  ["application/json;stream=watch", "json"],
  ["Application/JSON", "406"],
  ["json", "406"],
  [",", "json"],
] as const) {
  // API N-01, N-02, N-03, N-04, N-37
  test(`Accept ${JSON.stringify(accept)} gets ${expected}`, () => assert.equal(chosen(accept), expected));
}

test("several Accept headers are one", () => assert.equal(chosen(["text/html", "application/yaml"]), "yaml"));

// API N-50
test("people get it indented, unless they say otherwise", () => {
  for (const agent of ["curl/8", "Wget/1.25", "Mozilla/5.0 (X11)"]) {
    assert.equal(chosen("", "/", agent), "json pretty", agent);
    for (const value of ["false", "0", "f", ""]) assert.equal(chosen("", `/?pretty=${value}`, agent), "json", value);
  }
  for (const agent of ["kubectl/v1.37", "Curl/8", "libcurl/8", "Mozilla/4.0"])
    assert.equal(chosen("", "/", agent), "json");
  for (const value of ["1", "t", "T", "true", "TRUE", "True"]) {
    assert.equal(chosen("", `/?pretty=${value}`), "json pretty", value);
  }
  for (const value of ["yes", "x", "tRUE"]) assert.equal(chosen("", `/?pretty=${value}`), "json", value);
  assert.equal(chosen("application/json;pretty=0"), "json");
  assert.equal(chosen("application/json;pretty=1"), "json pretty");
});

test("header values that nobody repeats do not fill memory: the same answer after many others", () => {
  for (let i = 0; i < 1000; i++) assert.equal(chosen(`application/yaml;n=${i}`), "yaml");
  assert.equal(chosen(`application/yaml;n=${"x".repeat(5000)}`), "yaml");
});

// API W-04, N-07
test("streams are JSON, documents have no other shape, errors are always written", () => {
  const request = (accept: string) => aRequest({ headers: { accept } });
  assert.throws(() => negotiateStream(request("application/yaml")), refused(406, /application\/json;stream=watch/));
  assert.equal(negotiateStream(request("application/json,application/yaml")).mediaType, "application/json");
  assert.throws(() => negotiateDocument(request(table)), refused(406, /accepted/));
  assert.equal(negotiateDocument(request(`${table},application/yaml`)).mediaType, "application/yaml");
  assert.deepEqual(errorFormat(request(table)), {
    mediaType: "application/json",
    transform: { as: "none" },
    pretty: false,
  });
  assert.equal(errorFormat(request("text/html")).mediaType, "application/json");
  assert.equal(errorFormat(request("application/yaml")).mediaType, "application/yaml");
});
