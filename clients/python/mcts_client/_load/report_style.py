"""How the report looks, by day and by night, on paper and on a narrow screen."""

__all__ = ["STYLE"]

STYLE = """
:root {
  color-scheme: light dark;
  --page: #ffffff; --panel: #f6f7f9; --ink: #16191d; --soft: #59626d; --rule: #d8dde3;
  --c0: #1f6fd0; --c1: #138a63; --c2: #b06a00; --c3: #cf3535; --c4: #7a8590;
  --good: #11734f; --bad: #b42323;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #14171b; --panel: #1d2126; --ink: #e8ebee; --soft: #a2abb5; --rule: #363d45;
    --c0: #63a6f5; --c1: #3fc18f; --c2: #e5a33c; --c3: #f07b72; --c4: #8d98a3;
    --good: #4fcf9d; --bad: #ff8d84;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; padding: 2rem 1.5rem 4rem; max-width: 60rem;
  background: var(--page); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", sans-serif;
}
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 .25rem; }
h2 { font-size: 1.1rem; margin: 2.5rem 0 .25rem; }
p { margin: .25rem 0 .75rem; }
.soft, caption { color: var(--soft); }
.verdict { border-left: 4px solid var(--good); padding: .4rem .9rem; margin: 1.2rem 0;
  background: var(--panel); }
.verdict.failed { border-color: var(--bad); }
.verdict strong { color: var(--good); }
.verdict.failed strong { color: var(--bad); }
.verdict ul { margin: .25rem 0; padding-left: 1.2rem; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr)); gap: .75rem;
  margin: 1.2rem 0; }
.tile { background: var(--panel); border-radius: 6px; padding: .6rem .9rem; }
.tile b { display: block; font-size: 1.35rem; font-variant-numeric: tabular-nums; }
.tile span { color: var(--soft); font-size: .85rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; width: 100%; }
th, td { text-align: right; padding: .3rem .6rem; border-bottom: 1px solid var(--rule);
  white-space: nowrap; }
th { font-weight: 600; color: var(--soft); font-size: .85rem; }
th:first-child, td:first-child, .words { text-align: left; }
.words { white-space: normal; min-width: 16rem; }
tr.chosen td { font-weight: 600; background: var(--panel); }
.facts th { width: 14rem; text-align: left; vertical-align: top; }
.facts td { text-align: left; white-space: normal; overflow-wrap: anywhere; }
svg { display: block; width: 100%; height: auto; margin: .5rem 0; }
svg text { font-size: 12px; fill: var(--soft); }
svg .name { fill: var(--ink); }
svg .end { font-weight: 600; }
svg .note { font-size: 11px; }
.grid { stroke: var(--rule); }
.axis { stroke: var(--soft); }
.mark { stroke: var(--soft); stroke-dasharray: 3 4; }
.line { fill: none; stroke-width: 2; stroke-linejoin: round; }
.dot { stroke-width: 2; }
.line.c0, .dot.c0 { stroke: var(--c0); } .dot.c0, svg .end.c0 { fill: var(--c0); }
.line.c1, .dot.c1 { stroke: var(--c1); } .dot.c1, svg .end.c1 { fill: var(--c1); }
.line.c2, .dot.c2 { stroke: var(--c2); } .dot.c2, svg .end.c2 { fill: var(--c2); }
.line.c3, .dot.c3 { stroke: var(--c3); } .dot.c3, svg .end.c3 { fill: var(--c3); }
.line.c4, .dot.c4 { stroke: var(--c4); } .dot.c4, svg .end.c4 { fill: var(--c4); }
.line.c4 { stroke-dasharray: 5 4; }
.dot.hollow { fill: var(--page); }
@media print { body { max-width: none; padding: 0; } figure, table { break-inside: avoid; } }
figure { margin: 0; }
"""
