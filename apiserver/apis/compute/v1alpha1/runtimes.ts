/** What runs inside the main container. */
import type { ObjectOf } from "../../../../openapi/schema.ts";
import type { runtimes } from "../../../../openapi/schemas/runtimes.ts";

type Runtimes = Required<ObjectOf<typeof runtimes>>;
export type JavaRuntime = Runtimes["java"];
export type PythonRuntime = Runtimes["python"];
export type GoRuntime = Runtimes["golang"];
export type GenericRuntime = Runtimes["genericRuntime"];

export type RuntimeLogConfig = NonNullable<JavaRuntime["log"]>;
export type LogLevel = NonNullable<RuntimeLogConfig["level"]>;
export type LogRotatePolicy = NonNullable<RuntimeLogConfig["rotatePolicy"]>;
