/** The volumes of a pod and where its main container mounts them (FM 4.6). */
import { createHash } from "node:crypto";
import type { Volume, VolumeMount } from "../../apiserver/apis/compute/v1alpha1/types.ts";
import type { JsonValue } from "../../apiserver/apis/meta/v1.ts";
import { objectOf, textOf } from "../../apiserver/machinery/fields.ts";
import { deepEqual, isObject } from "../../apiserver/machinery/json.ts";
import type { Settings } from "../settings.ts";
import { mountedLogConfig } from "./command/log-config.ts";
import { downloadMount, usesDownloader } from "./command/package-file.ts";
import { type PulsarAccess, packageAccess, runtimeAccess, type SecretFile, secretFiles } from "./pulsar-access.ts";
import { shipsLogFiles, type Workload } from "./workload.ts";

export const logVolume: Volume = { name: "filebeat-logs", emptyDir: {} };
export const logDirectory = "/pulsar/logs/functions";
export const downloadVolume: Volume = { name: "downloader-volume", emptyDir: {} };

/** A volume a pod needs; with `mountPath`, its main container sees it there. */
export type VolumeUse = { readonly volume: Volume; readonly mountPath?: string; readonly subPath?: string };

/** Where the instance writes its log files and Filebeat reads them. */
export const logUse: VolumeUse = { volume: logVolume, mountPath: logDirectory };

/** Longest name of a volume: it must be a DNS label. */
const maxNameLength = 63;
/** Leaves room for a dash and a digest of the content when two names are cut to the same. */
const distinctNameLength = maxNameLength - 9;

function volumeName(text: string): string {
  const clean = text.toLowerCase().replace(/[^-a-z0-9]+/g, "-");
  return clean.slice(0, maxNameLength).replace(/^-+|(?<!-)-+$/g, "");
}

export function secretUse({ secret, key, mountPath }: SecretFile): VolumeUse {
  const items = [{ key, path: key }];
  return { volume: { name: volumeName(`${secret}-${key}`), secret: { secretName: secret, items } }, mountPath };
}

export const accessUses = (access: PulsarAccess): VolumeUse[] => secretFiles(access).map(secretUse);

export function cryptoUses({ cryptoConfigs }: Workload): VolumeUse[] {
  return cryptoConfigs
    .flatMap(({ cryptoSecrets }) => cryptoSecrets ?? [])
    .flatMap(({ secretName = "", secretKey = "", asVolume }) =>
      asVolume ? [secretUse({ secret: secretName, key: secretKey, mountPath: asVolume })] : [],
    );
}

export function logConfigUses({ runtime }: Workload): VolumeUse[] {
  const file = mountedLogConfig(runtime);
  if (file === undefined) return [];
  const { configMap, key, language, directory, fileName } = file;
  const name = volumeName(`${configMap}-${language}-log-conf`);
  return [
    {
      volume: { name, configMap: { name: configMap, items: [{ key, path: fileName }] } },
      mountPath: directory,
    },
  ];
}

export function mainUses(workload: Workload, settings: Settings): VolumeUse[] {
  const { spec, runtime } = workload;
  const packages = packageAccess(spec);
  return [
    ...(shipsLogFiles(spec) ? [logUse] : []),
    ...accessUses(runtimeAccess(spec)),
    ...cryptoUses(workload),
    ...logConfigUses(workload),
    ...(packages === undefined ? [] : accessUses(packages)),
    ...(runtime !== undefined && usesDownloader(runtime, settings)
      ? [{ volume: downloadVolume, ...downloadMount(runtime, settings) }]
      : []),
  ];
}

/**
 * Adds what a pod needs to the volumes its user defined. The same content is one volume however often it is used;
 * different contents never share a name (FM W-51).
 */
export function layOutVolumes(
  { spec, volumeClaimTemplates = [] }: Workload,
  uses: readonly VolumeUse[],
): { volumes: Volume[]; mounts: VolumeMount[] } {
  const volumes = new Map((spec.pod?.volumes ?? []).map((volume) => [volume.name, volume]));
  // A StatefulSet puts a claim in the place of a volume of its name.
  const claims = new Set(volumeClaimTemplates.map((claim) => textOf(objectOf(claim, "metadata"), "name")));
  const mounts = new Map<string, VolumeMount>();
  for (const { volume, mountPath, subPath } of oneVolumePerDirectory(uses)) {
    const taken = volumes.get(volume.name);
    const isFree = !claims.has(volume.name) && (taken === undefined || deepEqual(taken, volume));
    const name = isFree ? volume.name : distinctName(volume);
    volumes.set(name, { ...volume, name });
    if (mountPath === undefined || mounts.has(mountPath)) continue;
    mounts.set(mountPath, { name, mountPath, ...(subPath === undefined ? {} : { subPath }) });
  }
  return { volumes: [...volumes.values()], mounts: [...mounts.values()] };
}

/** The volumes of a pod whose containers have these uses. */
export function podVolumes(workload: Workload, uses: readonly (readonly VolumeUse[])[]): Volume[] {
  const all = uses.flatMap((ofOne) => layOutVolumes(workload, ofOne).volumes);
  const byName = new Map(all.map((volume) => [volume.name, volume]));
  return [...byName.values()];
}

/** Several keys that belong into one directory are one volume: only one can be mounted there. */
function oneVolumePerDirectory(uses: readonly VolumeUse[]): VolumeUse[] {
  const result: VolumeUse[] = [];
  const places = new Map<string, number>();
  for (const use of uses) {
    const index = use.mountPath === undefined ? undefined : places.get(use.mountPath);
    const other = index === undefined ? undefined : result[index];
    if (index === undefined || other === undefined) {
      if (use.mountPath !== undefined) places.set(use.mountPath, result.length);
      result.push(use);
    } else {
      result[index] = { ...other, volume: joined(other.volume, use.volume, other.mountPath ?? "") };
    }
  }
  return result;
}

function joined(one: Volume, other: Volume, directory: string): Volume {
  // What is written to, such as logs, can't be put together with keys: it stays.
  if (deepEqual(one, other) || projections(one).length === 0) return one;
  const sources = [...projections(one), ...projections(other)];
  const distinct = sources.filter((source, index) => sources.findIndex((first) => deepEqual(first, source)) === index);
  // Another container may see less of the same directory: that is another volume, so the content is in the name.
  const volume = { name: volumeName(`files-${directory}`), projected: { sources: distinct } };
  return { ...volume, name: distinctName(volume) };
}

/** What of a volume a projected one can hold. */
function projections({ secret, configMap, projected }: Volume): JsonValue[] {
  if (isObject(projected)) return Array.isArray(projected.sources) ? projected.sources : [];
  if (isObject(secret)) return [{ secret: { name: secret.secretName, items: secret.items } }];
  return isObject(configMap) ? [{ configMap: { name: configMap.name, items: configMap.items } }] : [];
}

function distinctName(volume: Volume): string {
  const digest = createHash("sha256").update(JSON.stringify(volume)).digest("hex").slice(0, 8);
  return `${volume.name.slice(0, distinctNameLength)}-${digest}`;
}
