import type { TestServers } from './global-setup.ts';

export default async function globalTeardown(): Promise<void> {
  await (globalThis as TestServers).stopTestPostgres?.();
}
