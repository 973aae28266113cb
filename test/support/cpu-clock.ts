/** CPU time of this process since the call, in ms: bounds on work hold on a machine with company, too. */
export function cpuClock(): () => number {
  const start = process.cpuUsage();
  return () => {
    const { user, system } = process.cpuUsage(start);
    return (user + system) / 1000;
  };
}
