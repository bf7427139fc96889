/** The look of a rehearsal's page, in light and in dark. */
export const style = `
:root{color-scheme:light dark;--ink:#1c2430;--paper:#fff;--card:#f7f9fb;--faint:#e3e8ee;--quiet:#5d6877;--good:#1a7f4b;--goodish:#dff2e6;--bad:#c2312f;--badish:#fbe3e1;--warn:#9a5b10;--warnish:#fdf0d9;--link:#2f5fb8}
@media(prefers-color-scheme:dark){:root{--ink:#e4e8ee;--paper:#14181f;--card:#1a202a;--faint:#2a323f;--quiet:#9aa5b6;--good:#4cc98a;--goodish:#16382a;--bad:#f0716d;--badish:#45211f;--warn:#e8b069;--warnish:#3b2d17;--link:#7aa7f5}}
*{box-sizing:border-box}
body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);margin:0}
header,main{max-width:1320px;margin:0 auto;padding:14px 24px}
header{border-top:6px solid var(--good)}header.violated{border-color:var(--bad)}
h1{font-size:25px;line-height:1.25;margin:8px 0}h2{font-size:19px;margin:34px 0 10px}h3{font-size:16px;margin:22px 0 6px}
p{max-width:100ch;margin:6px 0}a{color:var(--link)}
.verdict{font-size:18px;font-weight:600;color:var(--good)}header.violated .verdict{color:var(--bad)}
.quiet,small{color:var(--quiet)}.bad{color:var(--bad)}.good{color:var(--good)}
code,pre{font:13px/1.5 ui-monospace,monospace}code{background:var(--faint);padding:2px 6px;border-radius:4px;overflow-wrap:anywhere}
pre{background:var(--faint);padding:10px 14px;border-radius:6px;overflow-x:auto;margin:8px 0 0}
.scroll{overflow-x:auto}table{border-collapse:collapse}td,th{text-align:left;padding:5px 14px 5px 0;vertical-align:top;border-bottom:1px solid var(--faint)}
th{font-size:13px;font-weight:600;color:var(--quiet)}td.n,th.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
.matrix{border-collapse:separate;border-spacing:3px}.matrix td,.matrix th{border:0;padding:0}.matrix th{vertical-align:bottom;padding:0 6px 4px;line-height:1.25;max-width:92px}.matrix th.service{padding:8px 14px 8px 0;color:var(--ink);font-size:14px;white-space:nowrap;vertical-align:middle;max-width:none}
.cell{display:block;min-width:84px;padding:6px 8px;border-radius:6px;text-align:center;color:var(--ink);text-decoration:none;background:var(--goodish);line-height:1.25;font-variant-numeric:tabular-nums}
.cell.some{background:var(--warnish)}.cell.violated{background:var(--badish);box-shadow:inset 0 0 0 2px var(--bad)}.cell:hover,.cell:focus{outline:2px solid var(--link)}.cell b{font-weight:600}.cell small{display:block;font-size:11px}
.key{display:flex;flex-wrap:wrap;gap:6px 18px;font-size:13px;color:var(--quiet);margin:6px 0}.key span::before{content:"";display:inline-block;width:14px;height:14px;border-radius:3px;margin-right:6px;vertical-align:-2px;background:var(--goodish)}.key .some::before{background:var(--warnish)}.key .violated::before{background:var(--badish);box-shadow:inset 0 0 0 2px var(--bad)}
.finding{background:var(--card);border-left:4px solid var(--warn);border-radius:0 6px 6px 0;padding:12px 18px;margin:12px 0}.finding.violated{border-color:var(--bad)}.finding.note{border-color:var(--faint)}
.finding h3{margin:0 0 4px}.finding p{margin:4px 0}.finding summary,.run summary{cursor:pointer;color:var(--link);width:max-content}
.trial{display:grid;grid-template-columns:max-content minmax(120px,360px) max-content;gap:3px 12px;align-items:center;margin:10px 0 4px;font-size:13px}.bar{height:12px;background:var(--faint);border-radius:3px;overflow:hidden}.bar i{display:block;height:100%;background:var(--bad)}
.run{border-top:1px solid var(--faint);padding:8px 0}.run:target{background:var(--card)}.run h4{margin:0 0 4px;font-size:14px;display:flex;flex-wrap:wrap;gap:4px 14px;align-items:baseline}.run h4 a{font-weight:400;font-size:13px}
.strip{display:grid;grid-template-columns:minmax(90px,170px) 1fr 150px;gap:12px;align-items:center;font-size:12px;margin:2px 0}.strip svg{width:100%;height:14px;display:block;border-radius:3px}.strip .name{overflow:hidden;text-overflow:ellipsis;white-space:nowrap}.strip .n{color:var(--quiet);font-variant-numeric:tabular-nums}.strip .n.violated{color:var(--bad);font-weight:600}
.strip .ok{fill:var(--goodish)}.strip .err{fill:var(--bad)}.strip .fault{fill:var(--warn)}
.axis{color:var(--quiet)}.axis .times{position:relative;height:14px}.axis .times span{position:absolute;transform:translateX(-50%)}.axis .times span:first-child{transform:none}
.events{font:12px/1.6 ui-monospace,monospace;margin:6px 0 0;border-collapse:collapse}.events td{border:0;padding:0 14px 0 0}.events .fault td:last-child,.events .trouble td:last-child{color:var(--warn)}.events .act td{font-weight:700}
.notes td:first-child{white-space:nowrap}.notes td{padding-right:20px}
@media(max-width:640px){header,main{padding:10px 12px}.strip{grid-template-columns:80px 1fr}.strip .n{display:none}.trial{grid-template-columns:max-content 1fr}.trial span:nth-child(3n){grid-column:2}}
@media print{.cell{print-color-adjust:exact;-webkit-print-color-adjust:exact}}
`;
