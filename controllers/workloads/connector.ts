/** A connector in place of a function's own source or sink (FM 4.23). */
import type { JsonObject, JsonValue } from "../../apiserver/apis/meta/v1.ts";
import { isObject, member, stringifyJson } from "../../apiserver/machinery/json.ts";
import { configText } from "./function-details.ts";

/** What a function says of one connector; `type` is its `sourceType` or `sinkType`. */
export type ConnectorSpec = {
  readonly type?: string | undefined;
  readonly className?: string | undefined;
  readonly typeClassName?: string | undefined;
  readonly configs?: JsonObject | undefined;
};

/** Fields of the source or sink message that a connector fills. */
export type ConnectorFields = { className?: string; configs?: string; typeClassName?: string; builtin?: string };

/** Keys of `configs` that say which connector it is, not how to run it. */
const descriptive = new Set(["archive", "builtin", "className", "typeClassName", "configs"]);
const builtinScheme = "builtin://";

/** @param typeKey  under this name a known built-in connector's type is added to its configuration */
export function connectorFields(connector: ConnectorSpec | undefined, typeKey?: string): ConnectorFields {
  if (connector === undefined) return {};
  const { configs } = connector;
  const className = connector.className || text(configs, "className");
  const typeClassName = connector.typeClassName || text(configs, "typeClassName");
  const builtin = connector.type || text(configs, "builtin") || archive(configs);
  const configuration = connectorConfigs(configs ?? {}, builtin ? typeKey : undefined, builtin);
  return {
    ...(className ? { className } : {}),
    ...(configuration === undefined ? {} : { configs: configuration }),
    ...(typeClassName ? { typeClassName } : {}),
    ...(builtin ? { builtin } : {}),
  };
}

function text(configs: JsonObject | undefined, key: string): string {
  const value = configs === undefined ? undefined : member(configs, key);
  if (value === undefined || value === null) return "";
  return typeof value === "string" ? value : stringifyJson(value);
}

function archive(configs: JsonObject | undefined): string {
  const location = text(configs, "archive");
  return location.startsWith(builtinScheme) ? location.slice(builtinScheme.length) : location;
}

function connectorConfigs(configs: JsonObject, typeKey: string | undefined, builtin: string): string | undefined {
  const nested = member(configs, "configs");
  const entries: [string, JsonValue][] = [];
  for (const [key, value] of [...Object.entries(isObject(nested) ? nested : {}), ...ownEntries(configs)]) {
    if (value !== undefined && value !== null) entries.push([key, value]);
  }
  const found = Object.fromEntries(entries);
  const completed = typeKey === undefined || Object.hasOwn(found, typeKey) ? found : { ...found, [typeKey]: builtin };
  if (Object.keys(completed).length > 0) return configText(completed);
  return Object.keys(configs).length > 0 ? configText(configs) : undefined;
}

const ownEntries = (configs: JsonObject) => Object.entries(configs).filter(([key]) => !descriptive.has(key));
