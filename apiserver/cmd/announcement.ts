/** The commands somebody who just started a server will want to run next. */
export const nextCommands = (kubeconfig: string): readonly string[] => [
  `kubectl --kubeconfig ${kubeconfig} get functions -A`,
  `kubectl --kubeconfig ${kubeconfig} apply -f your-function.yaml`,
];

/** What a server says on a terminal once it is ready; the README shows the same. */
export function announcement(url: string, kubeconfig: string): string {
  const lines = [
    `Function Mesh is serving at ${url}`,
    `kubeconfig: ${kubeconfig}`,
    "",
    "Try:",
    ...nextCommands(kubeconfig).map((command) => `  ${command}`),
  ];
  return `\n${lines.map((line) => (line === "" ? "" : `  ${line}`)).join("\n")}\n\n`;
}
