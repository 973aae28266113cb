/** Images and pull policy (FM 4.5). */
import type { Settings } from "../settings.ts";
import { isPackage } from "./command/download.ts";
import type { Workload } from "./workload.ts";

/** Empty for a generic language nobody configured an image for: see `imageProblem`. */
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

/** Absent where it is known what to run. */
export function imageProblem(workload: Workload, settings: Settings): { reason: string; message: string } | undefined {
  const { runtime } = workload;
  if (mainImage(workload, settings) !== "" || runtime?.language !== "generic") return undefined;
  const { language = "" } = runtime.generic;
  const known = Object.keys(settings.runnerImages.generic).sort().join(", ");
  const message = `No image is known for the language ${JSON.stringify(language)}: set spec.image, or one of ${known} as genericRuntime.language, or have the server's runnerImages name one.`;
  return { reason: "ImageUnknown", message };
}
