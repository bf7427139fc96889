const colours = ["c0", "c1", "c2", "c3", "c4", "c5"];
const families: Readonly<Record<string, string>> = { raft: "c0", etcd: "c4", api: "c2", cri: "c5", kubelet: "c5", net: "c3", other: "act" };

/** The look of the space-time diagram, of the operations' intervals and of lines by host. */
export const closeUpStyle = [
  ...colours.map((c) => `.line.${c}{stroke:var(--${c})}.key.${c}::before{background:var(--${c})}`),
  ...Object.entries(families).map(([family, c]) => `.${family}{--own:var(--${c})}`),
  `#space-time{border:1px solid var(--faint);border-radius:6px;padding:10px 12px}`,
  `.tools{display:flex;flex-wrap:wrap;gap:6px 8px;align-items:center;font-size:13px;margin-bottom:8px}.tools input[type=search]{font:inherit;color:inherit;background:var(--paper);border:1px solid var(--quiet);border-radius:4px;padding:3px 8px;min-width:0}`,
  `.chip{border:1px solid var(--faint);border-radius:12px;padding:1px 9px 1px 5px;white-space:nowrap;cursor:pointer;display:inline-flex;align-items:center;gap:4px}.chip input{accent-color:var(--own,var(--quiet));margin:0}.chip span{color:var(--quiet);font-variant-numeric:tabular-nums}`,
  `.buttons{display:inline-flex;margin-left:auto}.buttons button{font:inherit;color:inherit;background:var(--paper);border:1px solid var(--quiet);padding:2px 11px;cursor:pointer}.buttons button+button{border-left:0}.buttons button:first-child{border-radius:4px 0 0 4px}.buttons button:last-child{border-radius:0 4px 4px 0}.buttons button:hover{background:var(--faint)}`,
  `.density{display:block;width:100%;height:28px;cursor:pointer;border-bottom:1px solid var(--faint)}.diagram{display:block;width:100%;cursor:grab;touch-action:pan-y;user-select:none}.diagram:active{cursor:grabbing}`,
  `.diagram text{font:11px ui-monospace,monospace;fill:var(--quiet)}.diagram text.host{font:12px system-ui,sans-serif;fill:var(--ink);cursor:pointer}.diagram text.host:hover,.diagram text.only{fill:var(--leader);font-weight:600}.diagram text.kind{fill:var(--own);font-size:10px;pointer-events:none}`,
  `.diagram .tick{stroke:var(--faint)}.diagram .around{stroke:var(--bad);stroke-width:1.5}.diagram .fault{fill:var(--fault);opacity:.2}`,
  `.diagram .life{stroke:var(--ink);stroke-width:1.5}.diagram .life.down{stroke:var(--bad);stroke-dasharray:2 5}`,
  `.message{cursor:pointer}.message path{fill:none;stroke:var(--own);stroke-width:1.2}.message .head{fill:var(--own);stroke:none}.message .hit{stroke:transparent;stroke-width:9}.message:hover path:not(.hit){stroke-width:2.4}.message.picked path:not(.hit){stroke-width:3}.message.faint{opacity:.13}`,
  `.message.lost path:not(.hit){stroke:var(--bad);stroke-dasharray:4 3}.message.lost .cross{stroke-dasharray:none!important;stroke-width:1.8}`,
  `.mark{fill:var(--leader);stroke:var(--paper);stroke-width:1}.mark.trouble,.mark.fault{fill:none;stroke:var(--bad);stroke-width:2.5}.mark.node,.mark.rollout{fill:var(--good)}`,
  `.status{font-size:12px;color:var(--quiet);margin-top:4px;font-variant-numeric:tabular-nums}.details{white-space:pre-wrap;overflow-wrap:anywhere;font:12px/1.5 ui-monospace,monospace;background:var(--faint);border-radius:4px;padding:8px 10px;margin-top:8px;max-height:260px;overflow:auto}`,
  `.intervals{border:1px solid var(--faint);border-radius:6px;padding:8px 12px;margin:8px 0}.intervals .row{grid-template-columns:minmax(90px,170px) 1fr}.intervals .plot{background:none;border-bottom:1px solid var(--faint)}`,
  `.band.op{background:var(--leader)}.band.op.illegal{background:var(--bad);outline:2px solid var(--ink);z-index:1}.band.op.named{background:var(--fault)}.band.op.unknown{background:repeating-linear-gradient(45deg,var(--act) 0 6px,transparent 6px 10px);color:var(--ink);border:1px solid var(--act)}`,
  `.commit{position:absolute;top:4px;width:8px;height:8px;border-radius:50%;background:var(--good);margin:3px 0 0 -4px}.events tr.named td{color:var(--fault)}.events tr.violated td{color:var(--bad);font-weight:600}.replay{overflow-wrap:anywhere}`,
].join("\n");
