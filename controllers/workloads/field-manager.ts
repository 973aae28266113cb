/** Under which name workloads, members and status are written (design D12). */
export const fieldManager = "function-mesh";
