/** The style of the HTML report: the reader's own light or dark, one column, tables and drawings that scroll by themselves. */
export const style = `
:root { --page: #f6f7f9; --card: #ffffff; --ink: #1b2330; --soft: #5b6676; --line: #dfe3e9;
  --good: #18794e; --good-pale: #e3f5ec; --bad: #b42335; --bad-pale: #fdebec; --quiet: #5b6676; --quiet-pale: #eceff3; --accent: #3358d4; }
@media (prefers-color-scheme: dark) {
  :root { --page: #12161d; --card: #1a2029; --ink: #e7ebf1; --soft: #9ba6b5; --line: #2d3643;
    --good: #5cd09a; --good-pale: #16352a; --bad: #ff8a96; --bad-pale: #42191f; --quiet: #9ba6b5; --quiet-pale: #262e39; --accent: #8fa8ff; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink); font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
main { max-width: 1040px; margin: 0 auto; padding: 32px 20px 64px; }
h1 { margin: 0; font-size: 28px; letter-spacing: -0.01em; }
h2 { margin: 0 0 4px; font-size: 19px; }
h3 { margin: 0; font-size: 13px; font-weight: 600; color: var(--soft); }
p { margin: 0; }
.place { color: var(--soft); font: 13px/1.5 ui-monospace, "DejaVu Sans Mono", monospace; overflow-wrap: anywhere; }
.verdict { margin-top: 14px; padding: 10px 14px; border-radius: 8px; border-left: 4px solid; font-weight: 600; }
.good { color: var(--good); background: var(--good-pale); }
.bad { color: var(--bad); background: var(--bad-pale); }
.quiet { color: var(--quiet); background: var(--quiet-pale); }
.cards { list-style: none; margin: 20px 0 0; padding: 0; display: grid; gap: 12px; grid-template-columns: repeat(auto-fill, minmax(min(100%, 300px), 1fr)); }
.cards li { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 14px 16px; display: flex; flex-direction: column; gap: 4px; align-items: flex-start; }
.cards h3::first-letter { text-transform: uppercase; }
.tag { margin-top: auto; padding: 1px 9px; border-radius: 99px; font-size: 13px; font-weight: 600; }
section { margin-top: 36px; }
.note { color: var(--soft); margin-bottom: 10px; max-width: 75ch; }
.none { color: var(--soft); font-style: italic; }
.wide { overflow-x: auto; background: var(--card); border: 1px solid var(--line); border-radius: 10px; margin-bottom: 22px; }
table { border-collapse: collapse; width: 100%; min-width: 34rem; font-size: 14px; }
th, td { text-align: left; vertical-align: top; padding: 7px 16px; border-bottom: 1px solid var(--line); overflow-wrap: anywhere; min-width: 9ch; }
tr:last-child td { border-bottom: 0; }
th { color: var(--soft); font-size: 13px; font-weight: 600; white-space: nowrap; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
svg { display: block; width: 100%; min-width: 720px; padding: 16px; font-size: 13px; }
.graph svg { max-width: 900px; margin: 0 auto; }
svg text { fill: var(--ink); }
.tick { fill: var(--soft); font-size: 12px; }
.grid { stroke: var(--line); }
.bar { fill: var(--accent); }
.bar.queued { opacity: 0.25; }
.bar.failed, .bar.blocked { fill: var(--bad); }
.bar.cancelled { fill: var(--soft); }
.arrow path { fill: none; stroke: var(--soft); stroke-width: 1.3; opacity: 0.75; }
.arrow.tolerant path { stroke-dasharray: 5 4; }
.head { fill: var(--soft); }
.node rect, .node path { fill: var(--quiet-pale); stroke: var(--soft); stroke-width: 1.3; }
.node.completed rect, .node.completed path { fill: var(--good-pale); stroke: var(--good); }
.node.failed rect, .node.failed path, .node.blocked rect, .node.blocked path { fill: var(--bad-pale); stroke: var(--bad); }
.node.input rect { fill: var(--card); }
@media print { body { background: none; } section { break-inside: avoid; } }
`;
