import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import fc from "fast-check";
import type { JsonValue } from "../apis/meta/v1.ts";
import { limits } from "../limits.ts";
import { deepEqual, isObject, parseJson, setMember, stringifyJson } from "./json.ts";
import { decodeProtobufInSteps } from "./protobuf.ts";
import { runAtOnce } from "./turns.ts";

const decodeKubernetesProtobuf = (...given: Parameters<typeof decodeProtobufInSteps>) =>
  runAtOnce(decodeProtobufInSteps(...given));

/** Pairs of `.bin` and `.json` that Kubernetes' own library wrote: `go run ./protobuf-fields -samples DIRECTORY`. */
const samples = new URL("../../test/golden/protobuf/", import.meta.url);

/** Go writes null for lists, maps and pointers that aren't there, and an empty list need not be sent. */
function withoutEmpty(value: JsonValue | undefined): JsonValue | undefined {
  if (Array.isArray(value)) return value.length === 0 ? undefined : value.map((item) => withoutEmpty(item) ?? null);
  if (!isObject(value)) return value ?? undefined;
  const result = {};
  for (const name of Object.keys(value)) {
    const member = withoutEmpty(value[name]);
    if (member !== undefined) setMember(result, name, member);
  }
  return result;
}

for (const file of readdirSync(samples).filter((name) => name.endsWith(".bin"))) {
  test(`protobuf sample ${file}`, () => {
    const decoded = withoutEmpty(decodeKubernetesProtobuf(readFileSync(new URL(file, samples))));
    const expected = withoutEmpty(parseJson(readFileSync(new URL(file.replace(".bin", ".json"), samples), "utf8")));
    if (!deepEqual(decoded, expected)) assert.equal(stringifyJson(decoded ?? null), stringifyJson(expected ?? null));
  });
}

function encode(apiVersion: string, kind: string, raw: (writer: BinaryWriter) => BinaryWriter): Uint8Array {
  const typeMeta = new BinaryWriter()
    .tag(1, WireType.LengthDelimited)
    .string(apiVersion)
    .tag(2, WireType.LengthDelimited)
    .string(kind);
  const unknown = new BinaryWriter()
    .tag(1, WireType.LengthDelimited)
    .bytes(typeMeta.finish())
    .tag(2, WireType.LengthDelimited)
    .bytes(raw(new BinaryWriter()).finish());
  return Uint8Array.of(0x6b, 0x38, 0x73, 0x00, ...unknown.finish());
}

test("options are known in every version; fields that are not known are skipped", () => {
  const bytes = encode("apps/v1", "DeleteOptions", (writer) =>
    writer
      .tag(1, WireType.Varint)
      .int64(30n)
      .tag(99, WireType.LengthDelimited)
      .string("x")
      .tag(4, WireType.LengthDelimited)
      .string("Orphan"),
  );
  assert.deepEqual(decodeKubernetesProtobuf(bytes), {
    apiVersion: "apps/v1",
    kind: "DeleteOptions",
    gracePeriodSeconds: 30,
    propagationPolicy: "Orphan",
  });
});

test("a body with more items and entries than the limit says is refused before they are all made", () => {
  const count = limits.maxBodyItems.value;
  const twoByteFields = (field: number, times: number): Uint8Array =>
    new Uint8Array(times * 2).map((_, index) => (index % 2 === 0 ? (field << 3) | WireType.LengthDelimited : 0));
  const bodies: Record<string, (times: number) => Uint8Array> = {
    "containers of a pod": (times) =>
      encode("v1", "Pod", (writer) => writer.tag(2, WireType.LengthDelimited).bytes(twoByteFields(2, times))),
    "finalizers of its metadata": (times) =>
      encode("v1", "Pod", (writer) => writer.tag(1, WireType.LengthDelimited).bytes(twoByteFields(14, times))),
    "labels of its metadata": (times) =>
      encode("v1", "Pod", (writer) => writer.tag(1, WireType.LengthDelimited).bytes(twoByteFields(11, times))),
  };
  for (const [what, bodyOf] of Object.entries(bodies)) {
    decodeKubernetesProtobuf(bodyOf(count));
    assert.throws(() => decodeKubernetesProtobuf(bodyOf(count + 1)), /more than 50000 items of all lists/, what);
  }
});

test("what cannot be decoded is a syntax error", () => {
  const whole = encode("v1", "ConfigMap", (writer) => writer.tag(1, WireType.LengthDelimited).bytes(Uint8Array.of()));
  const bad: Record<string, Uint8Array> = {
    empty: Uint8Array.of(),
    "without prefix": Buffer.from("{}"),
    "cut off": whole.subarray(0, whole.length - 1),
    "an unknown kind": encode("v1", "Toaster", (writer) => writer),
    "a kind of another group": encode("apps/v1", "ConfigMap", (writer) => writer),
    "not UTF-8": encode("v1", "ConfigMap", (writer) =>
      writer.tag(1, WireType.LengthDelimited).bytes(Uint8Array.of(0x0a, 0x01, 0xff)),
    ),
  };
  for (const [name, bytes] of Object.entries(bad))
    assert.throws(() => decodeKubernetesProtobuf(bytes), SyntaxError, name);
});

test("property: a ConfigMap's data survives, whatever the keys", () => {
  const text = fc.string({ unit: "grapheme" });
  fc.assert(
    fc.property(fc.dictionary(text, text), (data) => {
      const bytes = encode("v1", "ConfigMap", (writer) => {
        for (const [key, value] of Object.entries(data)) {
          const entry = new BinaryWriter()
            .tag(1, WireType.LengthDelimited)
            .string(key)
            .tag(2, WireType.LengthDelimited)
            .string(value);
          writer.tag(2, WireType.LengthDelimited).bytes(entry.finish());
        }
        return writer;
      });
      const decoded = decodeKubernetesProtobuf(bytes);
      assert.ok(deepEqual(isObject(decoded.data) ? decoded.data : {}, { ...data }));
    }),
  );
});

test("property: random bytes give an object or a syntax error", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (raw) => {
      const bytes = encode("v1", "Pod", (writer) => writer.tag(2, WireType.LengthDelimited).bytes(raw));
      try {
        decodeKubernetesProtobuf(bytes);
      } catch (error) {
        assert.ok(error instanceof SyntaxError);
      }
    }),
  );
});
