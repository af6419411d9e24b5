"""The look of the page: readable on a screen, in the dark, on a small screen, and on paper."""

STYLE = """\
:root { color-scheme: light dark; --ink: #1d2430; --soft: #566073; --line: #d5dae3; --shade: #f4f6f9; --link: #0b57a4;
  --notice: #fff4d6; --edge: #b7791f; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e7eaf0; --soft: #a3adbd; --line: #3a4352; --shade: #1d232d; --link: #8cc0ff; --notice: #3a2f14;
    --edge: #e0b050; }
  body { background: #12161d; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 72rem; padding: 2rem 1.25rem 4rem; color: var(--ink);
  font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", sans-serif; }
h1 { font-size: 2rem; line-height: 1.2; margin: 0 0 .75rem; }
h2 { font-size: 1.35rem; margin: 2.75rem 0 .75rem; }
h3 { font-size: 1.05rem; margin: 2rem 0 .25rem; }
p { max-width: 46rem; margin: .5rem 0; }
a { color: var(--link); }
:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .3rem 1.5rem; margin: 1.5rem 0; }
dt { color: var(--soft); }
dd { margin: 0; }
table { border-collapse: collapse; font-size: .9rem; }
th, td { text-align: start; vertical-align: top; padding: .4rem .8rem; border-bottom: 1px solid var(--line);
  max-width: 28rem; overflow-wrap: break-word; white-space: pre-line; unicode-bidi: isolate; }
th { font-weight: 600; overflow-wrap: normal; }
thead th { background: var(--shade); }
tbody tr:hover { background: var(--shade); }
.wide { overflow-x: auto; margin: .75rem 0; border: 1px solid var(--line); border-radius: .4rem; }
.notice { background: var(--notice); border-inline-start: .3rem solid var(--edge); padding: .6rem 1rem; }
.notice h2 { margin: 0 0 .25rem; font-size: 1.05rem; }
.notice ul { margin: 0; padding-inline-start: 1.2rem; }
footer { margin-top: 3.5rem; border-top: 1px solid var(--line); color: var(--soft); }
@media print { body { max-width: none; padding: 0; } .wide { overflow: visible; border: 0; } }
"""
