// Pages of the extension's views: no scripts, and every text as text.

const STYLE = `
  body { padding: 0 1rem 1rem; }
  table { border-collapse: collapse; }
  th, td { padding: 0.15rem 0.35rem; text-align: center; font-weight: normal; }
  td { border: 1px solid var(--vscode-editorWidget-border, gray); }
  th[scope=row], td.text { text-align: left; white-space: nowrap; }
  td.number { text-align: right; font-variant-numeric: tabular-nums; }
  .legend { list-style: none; padding: 0; }
  .key { display: inline-block; width: 1.4em; text-align: center; }
  .skipped { background: repeating-linear-gradient(45deg, transparent 0 3px, gray 3px 4px); }
  ${["charts-blue", "charts-green", "charts-orange", "charts-purple", "charts-yellow", "charts-red", "charts-lines", "charts-foreground"]
    .map((colour, index) => `.v${index} { background: color-mix(in srgb, var(--vscode-${colour}) 35%, transparent); }`)
    .join("\n  ")}`;

/** A page that runs nothing and loads nothing. */
export function page(title: string, body: string): string {
  return `<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">
    <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
    <title>${text(title)}</title><style>${STYLE}</style></head><body>${body}</body></html>`;
}

/** A text as it can stand in a page. */
export function text(value: string): string {
  const entities: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };
  return value.replace(/[&<>"']/g, (sign) => entities[sign] ?? sign);
}

/** An instant in UTC. */
export function instant(millis: number): string {
  return new Date(millis).toISOString().replace(".000Z", "Z");
}
