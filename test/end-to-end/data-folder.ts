import { chmod, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

/**
 * A new folder for a stage's data. Open to other accounts, since Postgres never runs as root: from a closed folder
 * it would move its data elsewhere, where nobody removes it.
 */
export async function newDataFolder(): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'mothership-end-to-end-'));
  await chmod(folder, 0o755);
  return folder;
}
