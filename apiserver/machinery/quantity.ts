import type { JsonValue } from "../apis/meta/v1.ts";
import { isRawNumber } from "./json.ts";

/** Amounts of resources such as `100m`, `1.5Gi`, `2e3` (`k8s.io/apimachinery/pkg/api/resource`). */

/** The family of suffixes an amount was written with; it is printed in the same one. */
export type QuantityFormat = "DecimalSI" | "BinarySI" | "DecimalExponent";

/** Power of ten or of two that a suffix stands for. */
const decimalSuffixes: Readonly<Record<string, number>> = {
  n: -9,
  u: -6,
  m: -3,
  "": 0,
  k: 3,
  M: 6,
  G: 9,
  T: 12,
  P: 15,
  E: 18,
};
const binarySuffixes: Readonly<Record<string, number>> = { Ki: 10, Mi: 20, Gi: 30, Ti: 40, Pi: 50, Ei: 60 };
const decimalNames = new Map(Object.entries(decimalSuffixes).map(([suffix, exponent]) => [exponent, suffix]));
const binaryNames = new Map(Object.entries(binarySuffixes).map(([suffix, exponent]) => [exponent, suffix]));

const syntax = /^([+-]?)(\d*)(?:\.(\d*))?(?:([eE])([+-]?\d+)|([KMGTPE]i|[numkMGTPE]?))$/;

/** Finest step an amount can have: a billionth. Anything finer is rounded away from zero. */
const finestScale = -9;
/** Amounts are capped at the greatest int64, as in Kubernetes. */
const greatest = 2n ** 63n - 1n;
/** Beyond this power of ten any amount is over the cap. */
const hugeExponent = 40;

/** An exact amount, `mantissa × 10^scale`. Immutable. */
export class Quantity {
  readonly format: QuantityFormat;
  readonly #mantissa: bigint;
  readonly #scale: number;

  private constructor(mantissa: bigint, scale: number, format: QuantityFormat) {
    this.#mantissa = mantissa;
    this.#scale = scale;
    this.format = format;
  }

  /** An integer amount that prints with decimal suffixes. */
  static of(value: bigint): Quantity {
    return Quantity.#bounded(value, 0, "DecimalSI");
  }

  /** An amount in thousandths, e.g. of a CPU. */
  static ofMilli(value: bigint): Quantity {
    return Quantity.#bounded(value, -3, "DecimalSI");
  }

  /** `undefined` for anything that is no quantity; a number counts as the text it is written as. */
  static parse(text: string): Quantity | undefined {
    const known = knownQuantities.get(text);
    if (known !== undefined) return known;
    const quantity = Quantity.#read(text);
    if (quantity !== undefined && text.length <= maxKnownLength && knownQuantities.size < maxKnownQuantities)
      knownQuantities.set(text, quantity);
    return quantity;
  }

  static #read(text: string): Quantity | undefined {
    const match = syntax.exec(text);
    if (match === null) return undefined;
    const [, sign, whole = "", fraction = "", exponentMark, exponentText, suffix = ""] = match;
    if (whole === "" && fraction === "") return undefined;
    const { digits, dropped } = significant(`${whole}${fraction}`);
    const mantissa = BigInt(`${sign === "-" ? "-" : ""}${digits}`);
    const scale = dropped - fraction.length;
    if (exponentMark !== undefined) return Quantity.#bounded(mantissa, Number(exponentText) + scale, "DecimalExponent");
    const binary = binarySuffixes[suffix];
    if (binary !== undefined) return Quantity.#bounded(mantissa << BigInt(binary), scale, "BinarySI");
    return Quantity.#bounded(mantissa, (decimalSuffixes[suffix] ?? 0) + scale, "DecimalSI");
  }

  static #bounded(mantissa: bigint, scale: number, format: QuantityFormat): Quantity {
    if (mantissa === 0n) return new Quantity(0n, 0, format);
    if (scale > hugeExponent) return new Quantity(mantissa < 0n ? -greatest : greatest, 0, format);
    const [value, valueScale] =
      scale < finestScale ? [rescaled(mantissa, scale, finestScale), finestScale] : [mantissa, scale];
    const limit = rescaled(greatest, 0, valueScale);
    if (value > limit || value < -limit) return new Quantity(value < 0n ? -greatest : greatest, 0, format);
    return new Quantity(value, valueScale, format);
  }

  /** In whole units, rounded away from zero. */
  value(): bigint {
    return rescaled(this.#mantissa, this.#scale, 0);
  }

  /** In thousandths, rounded away from zero. */
  milliValue(): bigint {
    return rescaled(this.#mantissa, this.#scale, -3);
  }

  /** The nearest double. */
  asNumber(): number {
    return Number(`${this.#mantissa}e${this.#scale}`);
  }

  /** Negative, zero or positive as this amount is less than, equal to or greater than the other. */
  compare(other: Quantity): number {
    const scale = Math.min(this.#scale, other.#scale);
    const difference = rescaled(this.#mantissa, this.#scale, scale) - rescaled(other.#mantissa, other.#scale, scale);
    return difference < 0n ? -1 : difference > 0n ? 1 : 0;
  }

  /** The canonical text: the greatest suffix of the family that leaves an integer, e.g. `1` for `1000m`. */
  toString(): string {
    if (this.#mantissa === 0n) return "0";
    const value = this.value();
    const isWhole = this.compare(new Quantity(value, 0, this.format)) === 0;
    if (this.format === "BinarySI" && isWhole && (value >= 1024n || value <= -1024n)) return binaryText(value);
    const { mantissa, exponent } = withExponentOfThousand(this.#mantissa, this.#scale);
    if (this.format === "DecimalExponent") return exponent === 0 ? `${mantissa}` : `${mantissa}e${exponent}`;
    return `${mantissa}${decimalNames.get(exponent) ?? ""}`;
  }
}

/** The first short texts that are read: most objects ask for one of a few amounts. */
const knownQuantities = new Map<string, Quantity>();
const maxKnownQuantities = 1024;
const maxKnownLength = 16;

/** More digits than a capped amount has down to its finest step, shifted by any suffix. */
const maxDigits = 64;

/**
 * The digits that decide an amount: what is behind them matters only as being zero or not, since amounts are rounded away
 * from zero. So a text of megabytes costs no arithmetic of that size.
 */
function significant(all: string): { digits: string; dropped: number } {
  const digits = all.replace(/^0+/, "");
  if (digits.length <= maxDigits) return { digits: digits || "0", dropped: 0 };
  const rest = digits.slice(maxDigits);
  return { digits: `${digits.slice(0, maxDigits)}${/[1-9]/.test(rest) ? "1" : "0"}`, dropped: rest.length - 1 };
}

function binaryText(value: bigint): string {
  let mantissa = value;
  let exponent = 0;
  while (mantissa % 1024n === 0n && binaryNames.has(exponent + 10)) {
    mantissa /= 1024n;
    exponent += 10;
  }
  return `${mantissa}${binaryNames.get(exponent) ?? ""}`;
}

/** The same amount with as few digits as an exponent that is a multiple of three allows. */
function withExponentOfThousand(value: bigint, scale: number): { mantissa: bigint; exponent: number } {
  let mantissa = value;
  let exponent = scale;
  while (mantissa % 10n === 0n) {
    mantissa /= 10n;
    exponent++;
  }
  while (exponent % 3 !== 0) {
    mantissa *= 10n;
    exponent--;
  }
  return { mantissa, exponent };
}

/** The mantissa that the same amount has at scale `to`, rounded away from zero. */
function rescaled(mantissa: bigint, from: number, to: number): bigint {
  if (from >= to) return mantissa * 10n ** BigInt(from - to);
  // Far below the finest step: nothing but the direction is left.
  if (to - from > mantissa.toString().length) return mantissa < 0n ? -1n : 1n;
  const divisor = 10n ** BigInt(to - from);
  const quotient = mantissa / divisor;
  if (mantissa % divisor === 0n) return quotient;
  return mantissa < 0n ? quotient - 1n : quotient + 1n;
}

/** `undefined` when the value is neither a quantity's text nor a number that is one. */
export function parseQuantity(value: JsonValue): Quantity | undefined {
  if (typeof value === "string") return Quantity.parse(value);
  if (typeof value === "number") return Quantity.parse(String(value));
  return isRawNumber(value) ? Quantity.parse(value.rawJSON) : undefined;
}

export function compareQuantities(a: Quantity, b: Quantity): number {
  return a.compare(b);
}
