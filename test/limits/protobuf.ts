/** Bodies in Kubernetes' protobuf, as data: a message is its fields, each with its number. */
import { Buffer } from "node:buffer";

/** A text, a message, or several of either under one number. */
type Value = string | Message | readonly (string | Message)[];
export type Message = { readonly [number: number]: Value };

function varint(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return [...bytes, rest];
    bytes.push((rest % 128) + 128);
  }
}

const lengthDelimited = 2;

function fieldBytes(number: number, value: string | Message): Buffer {
  const content = typeof value === "string" ? Buffer.from(value) : messageBytes(value);
  return Buffer.concat([
    Buffer.from(varint(number * 8 + lengthDelimited)),
    Buffer.from(varint(content.length)),
    content,
  ]);
}

function messageBytes(message: Message): Buffer {
  const fields = Object.entries(message).flatMap(([number, value]) => {
    const values = Array.isArray(value) ? value : [value];
    return values.map((each) => fieldBytes(Number(number), each));
  });
  return Buffer.concat(fields);
}

const magic = Buffer.from("k8s\0");

/** With the envelope that says what it is (`runtime.Unknown`). */
export function protobufBody(apiVersion: string, kind: string, message: Message): Buffer {
  return Buffer.concat([magic, messageBytes({ 1: { 1: apiVersion, 2: kind } }), fieldBytes(2, message)]);
}
