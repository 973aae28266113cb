import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { cpuClock } from "../../test/support/cpu-clock.ts";
import { compareQuantities, parseQuantity, Quantity } from "./quantity.ts";

const cases: [text: string, canonical: string, value: bigint, milli: bigint][] = [
  ["0", "0", 0n, 0n],
  ["0Gi", "0", 0n, 0n],
  ["1", "1", 1n, 1000n],
  ["+1", "1", 1n, 1000n],
  ["1000m", "1", 1n, 1000n],
  ["100m", "100m", 1n, 100n],
  ["0.1", "100m", 1n, 100n],
  [".5", "500m", 1n, 500n],
  ["1.", "1", 1n, 1000n],
  ["1500", "1500", 1500n, 1_500_000n],
  ["1500k", "1500k", 1_500_000n, 1_500_000_000n],
  ["2000k", "2M", 2_000_000n, 2_000_000_000n],
  ["1Ki", "1Ki", 1024n, 1_024_000n],
  ["1024Mi", "1Gi", 1n << 30n, 1000n << 30n],
  ["1.5Gi", "1536Mi", 1536n << 20n, 1536000n << 20n],
  ["0.5Ki", "512", 512n, 512_000n],
  ["1.0001Ki", "1024102400u", 1025n, 1_024_103n],
  ["1e3", "1e3", 1000n, 1_000_000n],
  ["1E3", "1e3", 1000n, 1_000_000n],
  ["12e2", "1200", 1200n, 1_200_000n],
  ["1E", "1E", 10n ** 18n, 10n ** 21n],
  ["1e-2", "10e-3", 1n, 10n],
  ["1n", "1n", 1n, 1n],
  ["0.1n", "1n", 1n, 1n],
  ["-0.1n", "-1n", -1n, -1n],
  ["-1500m", "-1500m", -2n, -1500n],
  ["9223372036854775807", "9223372036854775807", 2n ** 63n - 1n, (2n ** 63n - 1n) * 1000n],
  ["100E", "9223372036854775807", 2n ** 63n - 1n, (2n ** 63n - 1n) * 1000n],
  ["8Ei", "9223372036854775807", 2n ** 63n - 1n, (2n ** 63n - 1n) * 1000n],
  ["1e999999999", "9223372036854775807", 2n ** 63n - 1n, (2n ** 63n - 1n) * 1000n],
  ["1e-999999999", "1e-9", 1n, 1n],
];
for (const [text, canonical, value, milli] of cases) {
  test(`quantity ${text} is ${canonical}`, () => {
    const quantity = parseQuantity(text);
    assert.ok(quantity !== undefined);
    assert.equal(quantity.toString(), canonical);
    assert.equal(quantity.value(), value);
    assert.equal(quantity.milliValue(), milli);
  });
}

test("what is no quantity", () => {
  for (const text of ["", ".", "x", "1x", "1 Gi", "1gi", "--1", "1e", "1mi", "Gi", "1.2.3", "0x1", "１", " 1"]) {
    assert.equal(parseQuantity(text), undefined, text);
  }
  for (const value of [null, true, {}, []]) assert.equal(parseQuantity(value), undefined);
});

test("numbers, comparison, construction", () => {
  assert.equal(parseQuantity(0.5)?.toString(), "500m");
  assert.equal(parseQuantity(JSON.rawJSON("1.50"))?.toString(), "1500m");
  assert.equal(Quantity.of(3000n).toString(), "3k");
  assert.equal(Quantity.ofMilli(250n).toString(), "250m");
  assert.equal(Quantity.ofMilli(250n).asNumber(), 0.25);
  const ascending = ["-1", "-1m", "0", "1n", "1m", "0.5", "1000m", "1Ki", "1.1k", "1Mi", "1e9"].map((text) =>
    Quantity.parse(text),
  );
  for (const [i, a] of ascending.entries()) {
    for (const [j, b] of ascending.entries()) {
      assert.ok(a !== undefined && b !== undefined);
      assert.equal(Math.sign(compareQuantities(a, b)), Math.sign(i - j));
    }
  }
  assert.equal(parseQuantity("1k")?.compare(Quantity.of(1000n)), 0);
});

test("property: canonical texts name the same amount and come to rest", () => {
  const texts = fc
    .tuple(
      fc.constantFrom("", "-"),
      fc.nat(),
      fc.constantFrom("", ".5", ".125"),
      fc.constantFrom("n", "u", "m", "", "k", "M", "Ki", "Mi", "e3", "e-3"),
    )
    .map((parts) => parts.join(""));
  fc.assert(
    fc.property(texts, (text) => {
      const quantity = parseQuantity(text);
      const again = parseQuantity(String(quantity));
      assert.ok(quantity !== undefined && again !== undefined);
      assert.equal(compareQuantities(again, quantity), 0);
      // Bytes that are no whole number of Ki lose their family with the suffix: one more step, as in Go.
      assert.equal(parseQuantity(String(again))?.toString(), again.toString());
    }),
  );
});

test("megabytes of digits are an amount like any other, and cost no arithmetic of that size", () => {
  const many = 3_000_000;
  const amounts: { readonly [text: string]: string } = {
    [`0.${"1".repeat(many)}`]: "111111112n",
    [`${"1".repeat(many)}`]: "9223372036854775807",
    [`-${"9".repeat(many)}Ki`]: "-9223372036854775807",
    [`1.${"0".repeat(many)}`]: "1",
    [`1.${"0".repeat(many)}1`]: "1000000001n",
    [`${"0".repeat(many)}7`]: "7",
    [`0.${"0".repeat(1000)}1e1001`]: "1",
  };
  for (const [text, amount] of Object.entries(amounts)) {
    const elapsedMs = cpuClock();
    assert.equal(Quantity.parse(text)?.toString(), amount, text.slice(0, 10));
    assert.ok(elapsedMs() < 500);
  }
});
