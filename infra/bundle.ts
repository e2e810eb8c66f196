import { cpSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { AssetHashType, type BundlingOptions, DockerImage, type ILocalBundling } from 'aws-cdk-lib';
import { Code } from 'aws-cdk-lib/aws-lambda';
import { buildSync } from 'esbuild';

const repositoryRoot = path.resolve(import.meta.dirname, '..');

/** Bundled CommonJS packages (pg) call `require` for Node's own modules, which an ES module does not have. */
const requireForEsm = "import{createRequire as __cr}from'node:module';const require=__cr(import.meta.url);";

export type BundleProps = {
  /** TypeScript file that exports `handler`, relative to the repository root. */
  readonly entry: string;
  /** Folder whose `.sql` files are copied beside the code under the folder's name; relative likewise. */
  readonly sqlFolder?: string;
};

/**
 * A Lambda's code: one minified ES module `index.mjs` with its source map, AWS SDK included.
 *
 * esbuild runs in this process: NodejsFunction starts `npx esbuild` once per function, which costs more than the
 * bundling itself, and the local stage synthesises at every start.
 *
 * @throws at synthesis when the entry does not exist or does not compile, naming the file
 */
export function bundledCode(props: BundleProps): Code {
  return Code.fromAsset(repositoryRoot, {
    // By output, so that a function is redeployed exactly when its bundle or a copied file changes.
    assetHashType: AssetHashType.OUTPUT,
    bundling: {
      image: DockerImage.fromRegistry('bundling-needs-no-container'),
      local: new EsbuildBundling(props),
    } satisfies BundlingOptions,
  });
}

/** CDK keys its staging cache by the JSON of this object, so the fields are what keeps two functions apart. */
class EsbuildBundling implements ILocalBundling {
  readonly entry: string;
  readonly sqlFolder: string | undefined;

  constructor(props: BundleProps) {
    this.entry = props.entry;
    this.sqlFolder = props.sqlFolder;
  }

  tryBundle(outputFolder: string): boolean {
    const { outputFiles } = buildSync({
      absWorkingDir: repositoryRoot,
      entryPoints: [this.entry],
      // Kept in memory: written to CDK's own folder, the source map would hold that path and unsettle the hash.
      write: false,
      outfile: 'index.mjs',
      bundle: true,
      platform: 'node',
      target: 'node24',
      format: 'esm',
      mainFields: ['module', 'main'],
      external: ['pg-native'],
      minify: true,
      sourcemap: true,
      sourcesContent: false,
      banner: { js: requireForEsm },
      logLevel: 'error',
    });
    for (const file of outputFiles) {
      writeFileSync(path.join(outputFolder, path.basename(file.path)), file.contents);
    }
    if (this.sqlFolder !== undefined) copySql(this.sqlFolder, outputFolder);
    return true;
  }
}

function copySql(folder: string, outputFolder: string): void {
  cpSync(path.join(repositoryRoot, folder), path.join(outputFolder, folder), {
    recursive: true,
    filter: (source) => statSync(source).isDirectory() || source.endsWith('.sql'),
  });
}
