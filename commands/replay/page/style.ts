/** The page's style sheet: light and dark, readable in black and white, and printable. */
export const style = `
:root {
  color-scheme: light dark;
  --paper: #ffffff; --panel: #f6f7f9; --ink: #1b1f24; --quiet: #59636e; --rule: #d9dee4; --grid: #e8ebef;
  --use: #3b6ea5; --area: #3b6ea526; --capacity: #b3400a; --good: #1a7f37; --bad: #b3261e;
  --p0: #c2410c; --p1: #0a62a9; --p2: #00795a; --p3: #8b3f70;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #14171b; --panel: #1c2126; --ink: #e6e9ed; --quiet: #9aa4af; --rule: #343b43; --grid: #262c33;
    --use: #7db2e8; --area: #7db2e82e; --capacity: #ff9a66; --good: #57c878; --bad: #ff8a80;
    --p0: #ff935c; --p1: #6cb6f5; --p2: #45d3a6; --p3: #e39cc6;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
main { max-width: 968px; margin: 0 auto; padding: 32px 24px 64px; }
h1 { font-size: 26px; line-height: 1.25; margin: 0 0 4px; }
h2 { font-size: 18px; margin: 40px 0 4px; padding-top: 16px; border-top: 1px solid var(--rule); }
h3 { font-size: 14px; margin: 16px 0 2px; }
p { margin: 4px 0 12px; max-width: 72ch; }
.quiet, figcaption, .tile small, caption { color: var(--quiet); }
.tiles { display: grid; grid-template-columns: repeat(auto-fill, minmax(208px, 1fr)); gap: 12px; margin: 20px 0 0; padding: 0; }
.tile { background: var(--panel); border: 1px solid var(--rule); border-radius: 8px; padding: 10px 14px; }
.tile dt { font-size: 13px; color: var(--quiet); }
.tile dd { margin: 0; }
.tile .value { font-size: 22px; font-weight: 600; font-variant-numeric: tabular-nums; }
.tile .value + .value { border-top: 1px dashed var(--rule); }
.tile .value span { display: inline-block; min-width: 52px; font-size: 12px; font-weight: 400; color: var(--quiet); }
.tile small { display: block; font-size: 12px; line-height: 1.35; }
.good { color: var(--good); } .bad { color: var(--bad); font-weight: 600; }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 400px), 1fr)); gap: 24px; }
figure { margin: 8px 0 16px; } figcaption { font-size: 13px; font-weight: 600; }
svg { display: block; width: 100%; height: auto; }
svg text { fill: var(--quiet); font: 11px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; font-variant-numeric: tabular-nums; }
svg .axis { font-size: 12px; } svg .note { fill: var(--capacity); font-size: 12px; }
svg .middle { text-anchor: middle; } svg .end { text-anchor: end; }
.grid { stroke: var(--grid); stroke-width: 1; }
.line { fill: none; stroke-width: 2; stroke-linejoin: round; }
.area { fill: var(--area); } .use { stroke: var(--use); stroke-width: 1.5; } .bar { fill: var(--use); }
.capacity { stroke: var(--capacity); stroke-width: 1.5; stroke-dasharray: 7 4; }
.P0 { stroke: var(--p0); stroke-width: 3; } .P1 { stroke: var(--p1); }
.P2 { stroke: var(--p2); stroke-dasharray: 8 3; } .P3 { stroke: var(--p3); stroke-dasharray: 2.5 3; }
.legend { display: flex; flex-wrap: wrap; gap: 4px 20px; margin: 4px 0; padding: 0; list-style: none; font-size: 13px; }
.legend svg { display: inline-block; width: 34px; height: 10px; vertical-align: middle; margin-right: 6px; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 14px; font-variant-numeric: tabular-nums; }
caption { text-align: left; font-size: 13px; padding: 4px 0; }
th, td { text-align: right; padding: 5px 10px; border-bottom: 1px solid var(--rule); white-space: nowrap; }
th { font-weight: 600; font-size: 13px; color: var(--quiet); }
th:first-child, td:first-child, .text { text-align: left; } td.text { white-space: normal; }
tbody th { color: var(--ink); font-size: 14px; }
tr.second td, tr.second th { border-bottom-color: var(--ink); }
code { font: 13px ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; overflow-wrap: anywhere; }
td code { white-space: nowrap; }
@media print { main { max-width: none; padding: 0; } figure, .tile, tr { break-inside: avoid; } }
`;
