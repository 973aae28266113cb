/** The init container that fetches the package, when the installation wants one (FM 4.7). */
import type { Container } from "../../apiserver/apis/compute/v1alpha1/core-types.ts";
import type { Settings } from "../settings.ts";
import { downloadSteps, isHttp } from "./command/download.ts";
import { downloadDirectory, downloadPath, usesDownloader } from "./command/package-file.ts";
import { shellCommand } from "./command/shell.ts";
import { accessSources, hardened } from "./container.ts";
import { downloadAccess } from "./pulsar-access.ts";
import { accessUses, downloadVolume, layOutVolumes, type VolumeUse } from "./volumes.ts";
import type { Workload } from "./workload.ts";

/** Keys to the place where packages are; what is on the web needs none. */
export const downloaderUses = ({ spec, runtime }: Workload): VolumeUse[] =>
  isHttp(runtime?.location ?? "") ? [] : accessUses(downloadAccess(spec));

export function downloaderContainer(workload: Workload, settings: Settings): Container | undefined {
  const { spec, runtime } = workload;
  if (runtime?.location === undefined || !usesDownloader(runtime, settings)) return undefined;
  const access = downloadAccess(spec);
  const { mounts } = layOutVolumes(spec.pod?.volumes ?? [], downloaderUses(workload));
  const tools = { pulsarctl: true, wget: true };
  return {
    name: "downloader",
    image: spec.downloaderImage || settings.downloaderImage,
    imagePullPolicy: "IfNotPresent",
    command: shellCommand("sh", downloadSteps(access, tools, runtime.location, downloadPath(runtime))),
    // pulsarctl keeps its context in the home directory, and the image's belongs to root.
    env: [{ name: "HOME", value: "/tmp" }],
    envFrom: accessSources(access.messaging, access.prefix),
    volumeMounts: [
      ...mounts,
      ...(spec.volumeMounts ?? []),
      { name: downloadVolume.name, mountPath: downloadDirectory },
    ],
    securityContext: settings.runAsNonRoot ? hardened() : undefined,
  };
}
