/** What would change in a StatefulSet, in lines for people. Pure. */
import { stringifyJson } from "../../apiserver/machinery/json.ts";
import type { Change } from "./drift.ts";

/**
 * Fields whose values are shown. Commands, variables, annotations and whatever isn't listed may hold credentials, and a
 * status is read by more people than a Secret is (FM W-43).
 */
const shown = [
  /^spec\.template\.spec\.(?:containers|initContainers)\[[^\]]+\]\.(?:image|imagePullPolicy|resources|ports|securityContext)(?:$|[.[])/,
  /^spec\.template\.spec\.(?:containers|initContainers)\[[^\]]+\]\.(?:liveness|readiness|startup)Probe\.(?:[a-zA-Z]+(?:Seconds|Threshold)|httpGet\.(?:path|port)|tcpSocket\.port)$/,
  /^spec\.template\.spec\.(?:nodeSelector|tolerations|affinity|securityContext|serviceAccount|serviceAccountName|terminationGracePeriodSeconds|imagePullSecrets)(?:$|[.[])/,
  /^spec\.template\.metadata\.labels(?:$|\.)/,
  /^spec\.(?:persistentVolumeClaimRetentionPolicy|updateStrategy)(?:$|\.)/,
];
/** Nobody reads more; the paths are all in `pendingChange`. */
const maxLines = 20;
/** Longest text of one value, in characters. */
const maxValue = 120;

export const diffLines = (changes: readonly Change[]): string[] => changes.slice(0, maxLines).map(diffLine);

function diffLine({ path, from, to }: Change): string {
  if (!shown.some((pattern) => pattern.test(path))) return `${path}: changes, values are not shown`;
  return `${path}: ${valueText(from)} becomes ${valueText(to)}`;
}

function valueText(value: Change["from"]): string {
  if (value === undefined || value === null) return "nothing";
  const text = stringifyJson(value);
  return text.length > maxValue ? `${text.slice(0, maxValue)}…` : text;
}
