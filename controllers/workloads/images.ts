/** Images and pull policy (FM 4.5). */
import type { Settings } from "../settings.ts";
import { isPackage } from "./command/download.ts";
import type { Workload } from "./workload.ts";

/** Empty for a generic language nobody configured an image for: such a workload cannot run. */
export function mainImage(workload: Workload, settings: Settings): string {
  const { spec, runtime, component } = workload;
  if (spec.image) return spec.image;
  if (runtime === undefined || runtime.file === "") return settings.fallbackImage;
  // A connector that isn't downloaded as a package is one of those that come with the full image.
  if (component !== "function" && !isPackage(runtime.location ?? "")) return settings.fallbackImage;
  if (runtime.language !== "generic") return settings.runnerImages[runtime.language];
  const { language = "" } = runtime.generic;
  const images = settings.runnerImages.generic;
  return Object.hasOwn(images, language) ? (images[language] ?? "") : "";
}

export const pullPolicy = ({ spec }: Workload, settings: Settings): string =>
  spec.imagePullPolicy || settings.imagePullPolicy;
