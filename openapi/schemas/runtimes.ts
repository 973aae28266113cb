import { choice, object, text, texts } from "../nodes.ts";

const logConfig = object(
  "A complete logging configuration. The other settings of log have no effect then.",
  {
    name: text("ConfigMap, in the namespace of the workload."),
    key: text("The key within the ConfigMap that holds the configuration."),
  },
  ["name", "key"],
);

const log = object(
  "Logging of the instance, to standard output and, where files are asked for, below logs/functions. Go knows level only.",
  {
    level: choice(
      ["off", "trace", "debug", "info", "warn", "error", "fatal", "all", "panic"],
      "The least severe level that is written. Default: info.",
    ),
    rotatePolicy: choice(
      [
        "TimedPolicyWithDaily",
        "TimedPolicyWithWeekly",
        "TimedPolicyWithMonthly",
        "SizedPolicyWith10MB",
        "SizedPolicyWith50MB",
        "SizedPolicyWith100MB",
      ],
      "When the log file is rotated. Without it only standard output is written.",
    ),
    format: choice(["json", "text"], "One JSON object per line, or plain text. Default: text."),
    logConfig,
    javaLog4JConfigFileType: choice(
      ["yaml", "xml", "ini"],
      "Syntax of the Log4j configuration that is generated for, or given to, Java: xml or yaml. ini is accepted and not implemented. Default: xml.",
    ),
  },
);

const download =
  "Where it is downloaded from before the instance starts: function://, source:// or sink://tenant/namespace/name@version of Pulsar's package service, or http(s)://. Without it the image must contain the file.";

/** Members of a workload's spec. Of Sources and Sinks only `java` is run. */
export const runtimes = {
  java: object(
    "Run by the Java runtime. It needs className as well.",
    {
      jar: text("Path of the archive in the container; where it is put when jarLocation names a download."),
      jarLocation: text(download),
      extraDependenciesDir: text("Directory in the container whose archives are added to the class path."),
      log,
      javaOpts: texts("Options of the Java virtual machine, added after those of the server. Each is one argument."),
      instancePath: text("Class path of the Java instance. Default: /pulsar/instances/java-instance.jar."),
      entryClass: text("Main class of the instance. Default: org.apache.pulsar.functions.instance.JavaInstanceMain."),
    },
    ["jar"],
  ),
  python: object(
    "Run by the Python runtime. It needs className as well.",
    {
      py: text("Path of the .py file, wheel or zip archive in the container."),
      pyLocation: text(download),
      log,
    },
    ["py"],
  ),
  golang: object(
    "A compiled Go function.",
    {
      go: text("Path of the executable in the container."),
      goLocation: text(download),
      log,
    },
    ["go"],
  ),
  genericRuntime: object(
    "Run by the generic runtime, which supports further languages through its own images.",
    {
      functionFile: text("Path of the function in the container."),
      language: text("Language of the function, for example nodejs, wasm or executable. It selects the default image."),
      functionFileLocation: text(download),
    },
    ["functionFile", "language"],
  ),
};
