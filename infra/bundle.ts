import { cpSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { AssetHashType, type BundlingOptions, DockerImage, type ILocalBundling } from 'aws-cdk-lib';
import { Code } from 'aws-cdk-lib/aws-lambda';
import { buildSync, type OutputFile } from 'esbuild';

/** Every Lambda's TypeScript file, which exports `handler`; relative to the repository root. */
const entries = [
  'functions/access/api.ts',
  'functions/access/authorizer.ts',
  'functions/admission/api.ts',
  'functions/budget/act.ts',
  'functions/budget/api.ts',
  'functions/budget/meter.ts',
  'functions/coordination/api.ts',
  'functions/coordination/sweep.ts',
  'functions/deliberation/api.ts',
  'migrations/lambda.ts',
] as const;

export type Entry = (typeof entries)[number];

export type BundleProps = {
  readonly entry: Entry;
  /** Folder whose `.sql` files are copied beside the code under the folder's name; relative likewise. */
  readonly sqlFolder?: string;
};

/** Entries that read `./tables/`, beside their code; the notices of whose data it is go with the tables. */
const tableFolders: { readonly [entry in Entry]?: string } = {
  'functions/deliberation/api.ts': 'shared/deliberation/tables',
};

const repositoryRoot = path.resolve(import.meta.dirname, '..');

/** Bundled CommonJS packages (pg) call `require` for Node's own modules, which an ES module does not have. */
const requireForEsm = "import{createRequire as __cr}from'node:module';const require=__cr(import.meta.url);";

/**
 * A Lambda's code: one minified ES module `index.mjs` with its source map, AWS SDK included.
 *
 * @throws at synthesis when an entry does not exist or does not compile, naming the file
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
  readonly entry: Entry;
  readonly sqlFolder: string | undefined;

  constructor(props: BundleProps) {
    this.entry = props.entry;
    this.sqlFolder = props.sqlFolder;
  }

  tryBundle(outputFolder: string): boolean {
    for (const file of bundleOf(this.entry)) {
      writeFileSync(path.join(outputFolder, path.basename(file.path)), file.contents);
    }
    if (this.sqlFolder !== undefined)
      copyFiles(this.sqlFolder, path.join(outputFolder, this.sqlFolder), ['.sql']);
    const tables = tableFolders[this.entry];
    if (tables !== undefined) copyFiles(tables, path.join(outputFolder, 'tables'), ['.bin', '.json', '.md']);
    return true;
  }
}

let bundles: readonly OutputFile[] | undefined;

/**
 * One run of esbuild bundles all entries, in about half the time of a run per function (1.7 s against 2.9 s on two
 * cores); NodejsFunction starts `npx esbuild` for each on top. The local stage pays for it at every start.
 */
function bundleOf(entry: Entry): readonly OutputFile[] {
  bundles ??= bundleAll();
  const folder = path.join(repositoryRoot, entry, path.sep);
  return bundles.filter((file) => file.path.startsWith(folder));
}

function bundleAll(): readonly OutputFile[] {
  const { outputFiles } = buildSync({
    absWorkingDir: repositoryRoot,
    entryPoints: entries.map((entry) => ({ in: entry, out: `${entry}/index` })),
    // Kept in memory: written to CDK's own folder, the source maps would hold that path and unsettle the hashes.
    write: false,
    outdir: '.',
    outExtension: { '.js': '.mjs' },
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
  return outputFiles;
}

function copyFiles(folder: string, target: string, extensions: readonly string[]): void {
  cpSync(path.join(repositoryRoot, folder), target, {
    recursive: true,
    filter: (source) => statSync(source).isDirectory() || extensions.includes(path.extname(source)),
  });
}
