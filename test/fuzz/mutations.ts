/** Every way to change one thing in a value: another text or number, one member or entry less, one entry twice. Pure. */
import type { JsonObject, JsonValue } from "../../apiserver/apis/meta/v1.ts";
import { isObject } from "../../apiserver/machinery/json.ts";

export type Mutation = { readonly what: string; readonly value: JsonValue };

const texts: readonly string[] = [
  ...[
    "",
    " ",
    "a b",
    " a",
    "-a",
    "a/b",
    "a/b/c",
    "/a",
    "/a:b",
    "../a",
    "a/../b",
    "a..b",
    "a:b",
    "a=b",
    "A",
    "a_b",
    "é",
  ],
  ...["a".repeat(64), "a".repeat(300), "1", "0", "-1", "0.5", "1.5Gi", "1e30", "1n", "Disabled", "Localhost", "a.b.c"],
];
const numbers: readonly number[] = [
  ...[-1, 0, 1, 2, 41, 101, 256, 512, 1801, 3601, 65_535, 65_536, 2 ** 31 - 1, 2 ** 31, 2 ** 40],
];

/** In the order of the fields. Values may be equal to what was there. */
export function mutationsOf(value: JsonValue, at = ""): Mutation[] {
  return changesOf(value, at).map(({ what, value: changed }) => ({ what, value: changed ?? null }));
}

type Change = { readonly what: string; readonly value: JsonValue | undefined };

function changesOf(value: JsonValue, at: string): Change[] {
  if (typeof value === "string") return texts.map((text) => ({ what: `${at} = ${JSON.stringify(text)}`, value: text }));
  if (typeof value === "number") return numbers.map((number) => ({ what: `${at} = ${number}`, value: number }));
  if (typeof value === "boolean") return [{ what: `${at} = ${!value}`, value: !value }];
  if (Array.isArray(value)) return listChanges(value, at);
  return isObject(value) ? memberChanges(value, at) : [];
}

function listChanges(list: JsonValue[], at: string): Change[] {
  return [
    { what: `${at} = []`, value: [] },
    ...list.slice(0, 1).map((first) => ({ what: `${at} with its first entry twice`, value: [...list, first] })),
    ...list.flatMap((item, index) =>
      changesOf(item, `${at}[${index}]`).map(({ what, value }) => ({
        what,
        value: list.flatMap((each, place) => (place === index ? (value === undefined ? [] : [value]) : [each])),
      })),
    ),
  ];
}

function memberChanges(object: JsonObject, at: string): Change[] {
  return [
    { what: `${at} = {}`, value: {} },
    ...Object.entries(object).flatMap(([name, member]) => {
      const { [name]: _, ...rest } = object;
      const memberAt = at === "" ? name : `${at}.${name}`;
      return [
        { what: `without ${memberAt}`, value: rest },
        ...changesOf(member ?? null, memberAt).map(({ what, value }) => ({
          what,
          value: { ...object, ...(value === undefined ? {} : { [name]: value }) },
        })),
        // As if its user had mistaken the key.
        ...(isMap(name)
          ? texts.map((key) => ({ what: `${at}: key ${JSON.stringify(key)}`, value: { ...rest, [key]: member } }))
          : []),
      ];
    }),
  ];
}
/** Keys of maps, other than the names of fields. */
const isMap = (name: string): boolean => /[^a-zA-Z]|^PASSWORD$|^tier$|^team$|^cpu$/.test(name);
