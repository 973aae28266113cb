/** Loaded into a server by `--import`: at SIGUSR2 it keeps all it can get, until V8 ends the process at its heap's limit. */
const kept: unknown[] = [];

process.on("SIGUSR2", () => {
  for (;;) kept.push(Array.from({ length: 10_000 }, () => ({ kept })));
});
