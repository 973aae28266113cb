/** The init container that fetches the package, when the installation wants one (FM 4.7). */
import type { Container } from "../../apiserver/apis/compute/v1alpha1/types.ts";
import type { Settings } from "../settings.ts";
import { downloadSteps, isHttp } from "./command/download.ts";
import { downloadDirectory, downloadPath, usesDownloader } from "./command/package-file.ts";
import { shellCommand } from "./command/shell.ts";
import { accessSources, hardened } from "./container.ts";
import { downloadAccess } from "./pulsar-access.ts";
import { accessUses, downloadVolume, layOutVolumes, type VolumeUse } from "./volumes.ts";
import type { Workload } from "./workload.ts";

/** Keys to the place where packages are, of which what is on the web needs none; and where they go. */
export const downloaderUses = ({ spec, runtime }: Workload): VolumeUse[] => [
  ...(isHttp(runtime?.location ?? "") ? [] : accessUses(downloadAccess(spec))),
  { volume: downloadVolume, mountPath: downloadDirectory },
];

export function downloaderContainer(workload: Workload, settings: Settings): Container | undefined {
  const { spec, runtime } = workload;
  if (runtime?.location === undefined || !usesDownloader(runtime, settings)) return undefined;
  const access = downloadAccess(spec);
  const { mounts } = layOutVolumes(workload, downloaderUses(workload));
  const [given, target] = [mounts.slice(0, -1), mounts.slice(-1)];
  const tools = { pulsarctl: true, wget: true };
  return {
    name: "downloader",
    image: spec.downloaderImage || settings.downloaderImage,
    imagePullPolicy: "IfNotPresent",
    command: shellCommand("sh", downloadSteps(access, tools, runtime.location, downloadPath(runtime))),
    // pulsarctl keeps its context in the home directory, and the image's belongs to root.
    env: [{ name: "HOME", value: "/tmp" }],
    envFrom: accessSources(access.messaging, access.prefix),
    // Nothing of the user's takes the place where the package goes.
    volumeMounts: [...given, ...(spec.volumeMounts ?? []), ...target],
    securityContext: settings.runAsNonRoot ? hardened() : undefined,
  };
}
