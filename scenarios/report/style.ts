import { closeUpStyle } from "./close-up-style";

/** The look of the report, in light and in dark. */
export const style = `
:root{color-scheme:light dark;--ink:#1c2430;--paper:#fff;--faint:#e7ebf0;--quiet:#5d6877;--good:#1a7f4b;--bad:#c2312f;--fault:#b45f14;--leader:#2f5fb8;--act:#66748a;--on:#fff;--shade:.13;--c0:#2f5fb8;--c1:#b45f14;--c2:#1a7f4b;--c3:#8a3fb0;--c4:#0d7f8c;--c5:#7a6a10}
@media(prefers-color-scheme:dark){:root{--ink:#e4e8ee;--paper:#14181f;--faint:#262d38;--quiet:#9aa5b6;--good:#4cc98a;--bad:#f0716d;--fault:#e99a5e;--leader:#7aa7f5;--act:#93a1b6;--on:#10141a;--shade:.17;--c0:#7aa7f5;--c1:#e99a5e;--c2:#4cc98a;--c3:#c58be6;--c4:#54c5d2;--c5:#cdbb52}}
*{box-sizing:border-box}
body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);margin:0}
header,main{max-width:1360px;margin:0 auto;padding:14px 24px}
header{border-top:6px solid var(--good);padding-bottom:0}header.violated{border-color:var(--bad)}
h1{font-size:25px;line-height:1.25;margin:8px 0}h2{font-size:18px;margin:30px 0 8px}p{max-width:100ch;margin:8px 0}
.verdict{font-size:18px;font-weight:600;color:var(--good)}header.violated .verdict,b.violated,span.violated,tr.violated td:first-child{color:var(--bad)}tr.unproven td:first-child{color:var(--fault)}
.cause{border-left:4px solid var(--bad);padding-left:12px}
.facts{display:flex;flex-wrap:wrap;gap:4px 24px;list-style:none;padding:0;margin:10px 0}.facts span{color:var(--quiet)}
code{background:var(--faint);padding:3px 8px;border-radius:4px;font:13px ui-monospace,monospace;overflow-wrap:anywhere}
table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:4px 16px 4px 0;border-bottom:1px solid var(--faint);vertical-align:top}
th{font-size:13px;color:var(--quiet)}td:first-child{white-space:nowrap}td small{display:block;color:var(--quiet);line-height:1.35;max-width:75ch}
.checks td:first-child{font-weight:600}.checks td:nth-child(3){width:45%}
tr.held td:first-child{color:var(--good)}
figure{margin:0 0 14px}figure>figcaption{font-weight:600;font-size:13px;margin-bottom:2px}
.row{display:grid;grid-template-columns:minmax(110px,170px) 1fr 64px;column-gap:12px}
.name{font-size:12px;color:var(--quiet);overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
.plot{position:relative;background-image:linear-gradient(to right,var(--faint) 1px,transparent 1px)}
.plot::after{content:"";position:absolute;top:0;bottom:0;left:calc(var(--at,0)*100%);width:1px;background:var(--ink);pointer-events:none;display:none}.pointed .plot::after{display:block}
.axis{position:sticky;top:0;z-index:1;background:var(--paper);height:26px;border-bottom:1px solid var(--faint);margin-bottom:8px;font-size:11px;color:var(--quiet)}
.axis .plot{background:none}.axis .plot span{position:absolute;top:6px;transform:translateX(-50%)}
.axis .plot span:first-child{transform:none}
.bands{height:22px;line-height:22px}
.band{position:absolute;top:2px;bottom:2px;min-width:3px;border-radius:3px;padding:0 5px;font-size:11px;line-height:18px;color:var(--on);overflow:hidden;white-space:nowrap;text-overflow:ellipsis}
.band:hover{outline:2px solid var(--ink)}
.band.fault{background:var(--fault)}.band.trouble{background:var(--bad)}.band.leader{background:var(--leader)}.band.act{background:var(--act)}.band.mark{padding:0;min-width:4px}
.chart{height:84px;margin:0 0 12px}.chart .name{display:flex;flex-direction:column}.chart .name b{color:var(--ink);font-weight:600;overflow:hidden;text-overflow:ellipsis}
.chart svg{position:absolute;inset:0;width:100%;height:100%;pointer-events:none}.chart .plot{border-bottom:1px solid var(--faint)}
.scale{display:flex;flex-direction:column;justify-content:space-between;font-size:11px;line-height:1.2;color:var(--quiet)}
.shade{position:absolute;top:0;bottom:0;background:var(--fault);opacity:var(--shade)}
.line{fill:none;stroke-width:1.6;stroke:var(--quiet);vector-effect:non-scaling-stroke;stroke-linejoin:round}.line.good{stroke:var(--good)}.line.bad{stroke:var(--bad)}.line.plain{stroke-dasharray:4 3}
.area{fill:var(--quiet);opacity:.18}.area.good{fill:var(--good)}.area.bad{fill:var(--bad);opacity:.35}
.key{font-weight:400;color:var(--quiet)}.key::before{content:"";display:inline-block;width:10px;height:3px;margin:0 5px 3px 0;background:var(--quiet)}.key.good::before{background:var(--good)}.key.bad::before{background:var(--bad)}
.key output{display:inline;font-weight:600;color:var(--ink);font-variant-numeric:tabular-nums}
#moment{position:fixed;display:none;z-index:2;padding:2px 8px;border-radius:4px;background:var(--ink);color:var(--paper);font:12px ui-monospace,monospace;pointer-events:none}
.probes{columns:auto 230px;list-style:none;padding:0;margin:8px 0}.probes b{display:inline-block;min-width:4.5em;text-align:right;margin-right:8px;font-variant-numeric:tabular-nums}.probes .none{color:var(--quiet)}
.events td{font:12px/1.6 ui-monospace,monospace;border:0;padding-top:0;padding-bottom:0}.events tr:hover{background:var(--faint)}.events td:nth-child(2){color:var(--quiet)}.events td:last-child{width:100%;overflow-wrap:anywhere}
.events tr.fault td:last-child,.events tr.trouble td:last-child{color:var(--fault)}.events tr.verdict td:last-child{color:var(--bad);font-weight:600}.events tr.leader td:last-child{color:var(--leader)}.events tr.act td{font-weight:700}
nav{display:flex;flex-wrap:wrap;gap:2px 16px;margin:12px 0 0;padding-bottom:4px;border-bottom:1px solid var(--faint);font-size:13px}nav a,summary{color:var(--leader);text-decoration:none;cursor:pointer}nav a:hover{text-decoration:underline}
section{scroll-margin-top:8px}.hint{color:var(--quiet);font-size:13px}.wide{overflow-x:auto}small{font-size:12px}
.score{display:flex;gap:28px;align-items:center}.score .wide{flex:1}.total{text-align:center;line-height:1.1}.total b{display:block;font-size:44px;font-weight:600;font-variant-numeric:tabular-nums}.total span{color:var(--quiet);font-size:12px}
.meter{width:26%;min-width:90px;vertical-align:middle}.meter i{display:block;height:8px;border-radius:4px;background:var(--good)}
.cycle{max-width:760px;width:100%;font-size:12px}.cycle rect{fill:var(--faint);stroke:var(--quiet)}.cycle text{fill:var(--ink);text-anchor:middle}.cycle path{fill:none;stroke:var(--quiet);stroke-width:1.6}.cycle .rw{stroke:var(--bad)}.cycle .rt{stroke-dasharray:4 3}.cycle .kind{font-weight:600;paint-order:stroke;stroke:var(--paper);stroke-width:4}
${closeUpStyle}
@media(max-width:640px){.axis .plot span:nth-child(even){display:none}.score{flex-direction:column;align-items:stretch}header,main{padding:10px 12px}.row{grid-template-columns:90px 1fr 44px;column-gap:8px}}
@media print{.axis{position:static}}
`;

/**
 * Pointing at a moment, in a drawing or at an event, shows it in all drawings: a line, the time, and each chart's values. The report is whole without
 * it.
 */
export const script = `
(() => {
  const all = document.getElementById("drawings");
  const moment = document.getElementById("moment");
  const seconds = Number(all.dataset.seconds);
  const charts = [...all.querySelectorAll(".chart")].map((chart) => ({
    values: JSON.parse(chart.dataset.values),
    outputs: [...chart.querySelectorAll("output")],
  }));
  const two = (value) => String(value).padStart(2, "0");
  const point = (at) => {
    all.classList.toggle("pointed", at !== undefined);
    moment.style.display = at === undefined ? "none" : "block";
    if (at !== undefined) all.style.setProperty("--at", at / seconds);
    for (const { values, outputs } of charts)
      outputs.forEach((output, i) => { output.textContent = at === undefined ? "" : values[i][Math.min(Math.floor(at), values[i].length - 1)] ?? "–"; });
  };
  all.addEventListener("mousemove", (event) => {
    const { left, width } = all.querySelector(".plot").getBoundingClientRect();
    const at = ((event.clientX - left) / width) * seconds;
    if (at < 0 || at > seconds) return point(undefined);
    point(at);
    moment.textContent = Math.floor(at / 60) + ":" + two(Math.floor(at % 60)) + "." + Math.floor((at * 10) % 10);
    moment.style.left = Math.min(event.clientX + 12, innerWidth - 80) + "px";
    moment.style.top = Math.max(event.clientY - 30, 0) + "px";
  });
  all.addEventListener("mouseleave", () => point(undefined));
})();
`;
