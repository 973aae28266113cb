import assert from "node:assert/strict";
import { test } from "node:test";
import { environmentName, helpText, optionsTable, parseCommandLine, UsageError } from "./command-line.ts";
import { rows } from "./options.ts";

test("parseCommandLine: no arguments run standalone with every default", () => {
  const { command, options, help } = parseCommandLine([], {});
  assert.equal(command, "standalone");
  assert.equal(help, false);
  assert.equal(options.securePort, 6443);
  assert.equal(options.requestTimeout, 60_000);
});

test("parseCommandLine: the command line wins over the environment, which wins over the default", () => {
  const environment = { FUNCTIONMESH_SECURE_PORT: "1", FUNCTIONMESH_DATA_DIR: "/from/environment" };
  const { options } = parseCommandLine(["standalone", "--secure-port", "2"], environment);
  assert.equal(options.securePort, 2);
  assert.equal(options.dataDir, "/from/environment");
});

test("parseCommandLine: values may follow an equals sign, booleans need none", () => {
  const { command, options } = parseCommandLine(
    ["serve", "--etcd-servers=http://a,http://b", "--enable-init-containers"],
    {},
  );
  assert.equal(command, "serve");
  assert.deepEqual(options.etcdServers, ["http://a", "http://b"]);
  assert.equal(options.enableInitContainers, true);
});

test("parseCommandLine: reports every mistake at once", () => {
  const wrong = () =>
    parseCommandLine(
      ["standalone", "--secure-port=x", "--nope", "--request-timeout", "soon", "--kubeconfig=f", "--data-dir"],
      {
        FUNCTIONMESH_LOG_LEVEL: "loud",
      },
    );
  assert.throws(wrong, (error) => {
    assert.ok(error instanceof UsageError);
    assert.deepEqual(error.problems, [
      'unknown option "--nope": see --help',
      "--kubeconfig does not belong to standalone: see --help",
      "--data-dir needs a value (DIR)",
      '--secure-port: must be a whole number from 0 to 65535, not "x"',
      '--request-timeout: must be a duration such as 500ms, 30s or 1m30s, not "soon"',
      'FUNCTIONMESH_LOG_LEVEL: must be one of debug, info, warn, error, not "loud"',
    ]);
    return true;
  });
});

test("parseCommandLine: what is needed and what belongs together is told with the other mistakes", () => {
  const problemsOf = (...args: string[]): unknown => {
    try {
      return parseCommandLine(args, {});
    } catch (error) {
      return error instanceof UsageError ? error.problems : error;
    }
  };
  assert.deepEqual(problemsOf("kubeconfig"), ["--user is needed"]);
  assert.deepEqual(problemsOf("serve", "--tls-private-key-file=k", "--etcd-certfile=c", "--secure-port=x"), [
    '--secure-port: must be a whole number from 0 to 65535, not "x"',
    "--tls-private-key-file needs --tls-cert-file",
    "--etcd-certfile needs --etcd-keyfile",
  ]);
  assert.equal(parseCommandLine(["kubeconfig", "--help"], {}).help, true);
});

const durations: readonly (readonly [text: string, ms: number])[] = [
  ["0", 0],
  ["500ms", 500],
  ["1m30s", 90_000],
  ["1.5h", 5_400_000],
];
for (const [text, ms] of durations) {
  test(`parseCommandLine: ${text} is ${ms} ms`, () => {
    assert.equal(parseCommandLine(["--request-timeout", text], {}).options.requestTimeout, ms);
  });
}

test("help and README list every option of a command", () => {
  const help = helpText("standalone");
  const table = optionsTable();
  for (const row of Object.values(rows)) {
    assert.equal(help.includes(`--${row.flag} `), row.commands.includes("standalone"), row.flag);
    assert.ok(table.includes(`\`--${row.flag} ${row.value}\``), row.flag);
  }
});

test("environmentName: follows the flag", () =>
  assert.equal(environmentName("etcd-servers"), "FUNCTIONMESH_ETCD_SERVERS"));
