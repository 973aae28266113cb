/** What runs inside the main container. */

export type LogLevel = "off" | "trace" | "debug" | "info" | "warn" | "error" | "fatal" | "all" | "panic";
export type LogRotatePolicy =
  | "TimedPolicyWithDaily"
  | "TimedPolicyWithWeekly"
  | "TimedPolicyWithMonthly"
  | "SizedPolicyWith10MB"
  | "SizedPolicyWith50MB"
  | "SizedPolicyWith100MB";
export type LogFormat = "json" | "text";
export type JavaLog4JConfigFileType = "yaml" | "xml" | "ini";

export type RuntimeLogConfig = {
  level?: LogLevel;
  rotatePolicy?: LogRotatePolicy;
  format?: LogFormat;
  /** Key of a ConfigMap with a complete logging configuration. */
  logConfig?: { name?: string; key?: string };
  javaLog4JConfigFileType?: JavaLog4JConfigFileType;
};

export type JavaRuntime = {
  /** Path inside the container. */
  jar?: string;
  /** Where to download it from. */
  jarLocation?: string;
  extraDependenciesDir?: string;
  log?: RuntimeLogConfig;
  javaOpts?: string[];
  instancePath?: string;
  entryClass?: string;
};
export type PythonRuntime = { py?: string; pyLocation?: string; log?: RuntimeLogConfig };
export type GoRuntime = { go?: string; goLocation?: string; log?: RuntimeLogConfig };
export type GenericRuntime = { functionFile?: string; language?: string; functionFileLocation?: string };
