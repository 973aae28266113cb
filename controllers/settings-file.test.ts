import assert from "node:assert/strict";
import { test } from "node:test";
import { defaultSettings } from "./settings.ts";
import { parseSettingsFile, SettingsFileError } from "./settings-file.ts";

test("every image that is used when a workload names none can be changed in one place", () => {
  const { runnerImages, fallbackImage, downloaderImage, filebeatImage } = parseSettingsFile({
    runnerImages: { java: "j", python: "p", go: "g", connectors: "c", genericRuntime: { nodejs: "n" } },
    downloaderImage: "d",
    filebeatImage: "f",
  });
  assert.deepEqual(
    { ...runnerImages, generic: runnerImages.generic.nodejs, fallbackImage, downloaderImage, filebeatImage },
    { java: "j", python: "p", go: "g", generic: "n", fallbackImage: "c", downloaderImage: "d", filebeatImage: "f" },
  );
});

test("what a file doesn't say keeps its default, whatever the case of its keys", () => {
  const { runnerImages, imagePullPolicy, ...others } = parseSettingsFile({ RUNNERIMAGES: { JAVA: "j" } });
  assert.deepEqual(runnerImages, { ...defaultSettings.runnerImages, java: "j" });
  assert.equal(imagePullPolicy, "IfNotPresent");
  assert.equal(others.fallbackImage, defaultSettings.fallbackImage);
});

test("every mistake of a file is told at once", () => {
  const wrong = { runnerImages: { java: 1 }, filebeatImage: [], runnerImagePullPolicy: "Sometimes" };
  assert.throws(
    () => parseSettingsFile(wrong),
    (error) => {
      assert.ok(error instanceof SettingsFileError);
      assert.deepEqual([...error.problems].sort(), [
        "filebeatImage: must be text",
        "runnerImagePullPolicy: must be one of Always, IfNotPresent, Never",
        "runnerImages.java: must be text",
      ]);
      return true;
    },
  );
});
