/**
 * The one item that `name` means: its physical name, its logical id, or its construct's id, to which CDK appends
 * eight hexadecimal digits. Throws when there is none or more than one, naming those that exist.
 */
export function findNamed<T extends { logicalId: string; name: string }>(
  kind: string,
  items: readonly T[],
  name: string,
): T {
  const exact = items.filter((item) => item.name === name || item.logicalId === name);
  const found =
    exact.length > 0
      ? exact
      : items.filter(({ logicalId }) => logicalId.replace(/[0-9A-F]{8}$/, '') === name);
  const [item, ...others] = found;
  if (item === undefined || others.length > 0) {
    const known = items.map((one) => one.name).join(', ') || 'none';
    throw new Error(`${name} names ${found.length} ${kind}s; the stack has: ${known}`);
  }
  return item;
}
