import { RenderFailed } from './render-errors.js';

/** Exists nowhere: the compiler sees the sources and the data it is given, and no file of the machine. */
const WORKSPACE = '/nowhere';

export interface TypstDocument {
  /** The template. It is fixed text of ours and never holds a word of the data. */
  readonly source: string;
  /** What the template reads with `json("data.json")`. Strings of it are text for the compiler, never markup. */
  readonly data: unknown;
  /** The PDF's creation date, in seconds since 1970. The clock is not asked: the same input must give the same bytes. */
  readonly createdAt: number;
  readonly fonts: readonly Buffer[];
}

/**
 * Compiles a document to PDF/A-2a: archivable, tagged for screen readers, with fonts and colours inside.
 *
 * Blocks the thread for seconds on long documents and keeps the native memory it has taken, so the desk runs it in a
 * process of its own.
 *
 * @throws RenderFailed the compiler refuses; the message tells kinds and counts, and quotes nothing of the data
 */
export async function compilePdf(document: TypstDocument): Promise<Buffer> {
  // Loaded here and not with this file: a server knows the desk, and must not carry a compiler that only its child needs.
  const { NodeCompiler, PdfStandard } = await import('@myriaddreamin/typst-ts-node-compiler');
  const compiler = NodeCompiler.create({ workspace: WORKSPACE, fontArgs: [{ fontBlobs: [...document.fonts] }] });
  compiler.mapShadow(`${WORKSPACE}/data.json`, Buffer.from(JSON.stringify(document.data), 'utf8'));
  try {
    const compiled = compiler.compile({ mainFileContent: document.source });
    if (!compiled.result) {
      const error = compiled.takeDiagnostics();
      const [first] = error ? (compiler.fetchDiagnostics(error) as { message?: string }[]) : [];
      throw new RenderFailed(withoutQuotes(first?.message ?? 'the template does not compile'));
    }
    return compiler.pdf(compiled.result, { pdfStandard: PdfStandard.A_2a, creationTimestamp: document.createdAt });
  } catch (error) {
    if (error instanceof RenderFailed) throw error;
    throw new RenderFailed(withoutQuotes(error instanceof Error ? error.message : String(error)));
  }
}

/** Diagnostics quote the text they stumble over, which is personal data; errors end in logs. */
function withoutQuotes(message: string): string {
  return message.slice(0, 2000).replace(/`[^`]*`?|"[^"]*"?/g, '…');
}
