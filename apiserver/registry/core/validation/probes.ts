/** What probes and lifecycle hooks of a container must be. */
import type { JsonObject } from "../../../apis/meta/v1.ts";
import { type FieldError, forbiddenField, invalid, joinPath, required } from "../../../errors/field-error.ts";
import { isSet, listOf, numericOf, objectOf, textOf } from "../../../machinery/fields.ts";
import { entriesAt, type Fields, named, notNegative, portNameProblems, portRange } from "./checks.ts";

const handlers = ["exec", "httpGet", "tcpSocket", "grpc"];
const hookHandlers = ["exec", "httpGet", "tcpSocket", "sleep"];
const probeCounts = ["initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold"];

const probes = ["livenessProbe", "readinessProbe", "startupProbe"] as const;

/** @param graceSeconds  that the pod has to end */
export const probesErrors = (container: JsonObject, at: string, graceSeconds: number): readonly FieldError[] => [
  ...probes.flatMap((field) => probeErrors(objectOf(container, field), joinPath(at, field), field)),
  ...["postStart", "preStop"].flatMap((field) => {
    const hook = objectOf(objectOf(container, "lifecycle"), field);
    const hookAt = joinPath(at, "lifecycle", field);
    if (hook === undefined) return [];
    return [
      ...handlerErrors(hook, hookAt, hookHandlers),
      ...sleepErrors(hook, joinPath(hookAt, "sleep"), graceSeconds),
    ];
  }),
];

/** A container that sleeps for longer than it may take to end is killed in its sleep. */
function sleepErrors(hook: JsonObject, at: string, graceSeconds: number): readonly FieldError[] {
  const seconds = numericOf(objectOf(hook, "sleep"), "seconds") ?? 0;
  return seconds >= 0 && seconds <= graceSeconds
    ? []
    : [invalid(at, seconds, `must be non-negative and less than terminationGracePeriodSeconds (${graceSeconds})`)];
}

/** Those of an init container that ends before the others start. */
export const noProbes = (container: JsonObject, at: string): readonly FieldError[] =>
  ["lifecycle", ...probes].flatMap((field) =>
    isSet(container, field)
      ? [forbiddenField(joinPath(at, field), "may not be set for init containers without restartPolicy=Always")]
      : [],
  );

function probeErrors(probe: Fields, at: string, kind: string): readonly FieldError[] {
  if (probe === undefined) return [];
  const threshold = numericOf(probe, "successThreshold") ?? 1;
  return [
    ...handlerErrors(probe, at, handlers),
    ...notNegative(probe, probeCounts, at),
    ...(kind !== "readinessProbe" && threshold !== 1 && threshold !== 0
      ? [invalid(joinPath(at, "successThreshold"), threshold, "must be 1")]
      : []),
    ...graceErrors(probe, joinPath(at, "terminationGracePeriodSeconds"), kind),
  ];
}

/** How long a container that fails may take to end; one that isn't ready goes on. */
function graceErrors(probe: JsonObject, at: string, kind: string): readonly FieldError[] {
  const grace = numericOf(probe, "terminationGracePeriodSeconds");
  if (grace === undefined) return [];
  return [
    ...(grace > 0 ? [] : [invalid(at, grace, "must be greater than 0")]),
    ...(kind === "readinessProbe" ? [invalid(at, grace, "must not be set for readinessProbes")] : []),
  ];
}

function handlerErrors(owner: JsonObject, at: string, known: readonly string[]): readonly FieldError[] {
  const given = known.filter((handler) => isSet(owner, handler));
  const exec = objectOf(owner, "exec");
  return [
    ...(given.length === 0 ? [required(at, "must specify a handler type")] : []),
    ...given.slice(1).map((field) => forbiddenField(joinPath(at, field), "may not specify more than 1 handler type")),
    ...(exec !== undefined && listOf(exec, "command").length === 0
      ? [required(joinPath(at, "exec", "command"), "")]
      : []),
    ...["httpGet", "tcpSocket", "grpc"].flatMap((field) => {
      const handler = objectOf(owner, field);
      return handler === undefined ? [] : portErrors(handler, joinPath(at, field, "port"));
    }),
    ...headerErrors(objectOf(owner, "httpGet"), joinPath(at, "httpGet", "httpHeaders")),
  ];
}

/** A number, or the name of a container's port. */
function portErrors(handler: JsonObject, at: string): readonly FieldError[] {
  const number = numericOf(handler, "port");
  if (number !== undefined) return portRange(number, at);
  return isSet(handler, "port") ? named(textOf(handler, "port"), at, portNameProblems) : [];
}

const headerName = /^[-A-Za-z0-9]+$/;
const headerRule =
  "a valid HTTP header must consist of alphanumeric characters or '-' (e.g. 'X-Header-Name', regex used for validation is '[-A-Za-z0-9]+')";

const headerErrors = (handler: Fields, at: string): readonly FieldError[] =>
  entriesAt(listOf(handler, "httpHeaders"), at).flatMap(([header]) => {
    const name = textOf(header, "name");
    return headerName.test(name) ? [] : [invalid(at, name, headerRule)];
  });
