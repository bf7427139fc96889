/**
 * Draws the space-time diagram from the data beside it. Only what lies in view is drawn, and of that so many messages; the rest is said in the line below.
 * Runs in the reader's browser.
 */
export const spaceTimeScript = `
(() => {
  const root = document.getElementById("space-time");
  if (!root) return;
  const data = JSON.parse(document.getElementById("space-time-data").textContent);
  const [svg, canvas, output, details] = ["svg", "canvas", "output", ".details"].map((name) => root.querySelector(name));
  const span = Math.max(1, data.to - data.from);
  const drawnMost = 1200, rowHeight = 34, top = 26;
  const text = (i) => data.texts[i];
  const messages = data.messages.map(([from, to, sent, arrived, kind, family, operation, sender, receiver, conversation, rule, bytes, body]) => {
    const end = arrived.length ? arrived[arrived.length - 1] : sent;
    const words = [text(kind), text(operation), text(sender), text(receiver), rule < 0 ? "" : text(rule), body].join(" ").toLowerCase();
    return { from, to, sent, arrived, end, kind: text(kind), family: data.families[family], operation: text(operation), sender: text(sender), receiver: text(receiver), conversation, rule: rule < 0 ? "" : text(rule), bytes, body, words };
  });
  const around = data.around - data.from;
  let view = [0, span], only = new Set(), picked, hover;
  const showMoment = () => {
    // Some sixty messages around the moment.
    const near = [...messages].sort((a, b) => Math.abs(a.sent - around) - Math.abs(b.sent - around)).slice(0, 60);
    const half = Math.max(500, ...near.map(({ sent }) => Math.abs(sent - around)));
    setView(around - half * 1.05, around + half * 1.05);
  };
  const setView = (from, to) => {
    const width = Math.min(span, Math.max(100, to - from));
    const begin = Math.min(Math.max(0, from), span - width);
    view = [begin, begin + width];
    draw();
  };
  const checked = (name) => [...root.querySelectorAll("input[name=" + name + "]:checked")].map(({ value }) => value);
  const wanted = () => {
    const words = root.querySelector("[name=text]").value.toLowerCase().split(/\\s+/).filter(Boolean);
    const families = new Set(checked("family"));
    const lost = checked("lost").length > 0;
    return messages.filter((m) => families.has(m.family) && (!lost || m.arrived.length === 0) && (only.size === 0 || only.has(m.from) || only.has(m.to)) && words.every((word) => m.words.includes(word)));
  };
  const time = (us) => {
    const all = Math.round(us + data.from), minutes = Math.floor(all / 6e7);
    const digits = view[1] - view[0] < 20000 ? 6 : 3;
    return minutes + ":" + ((all - minutes * 6e7) / 1e6).toFixed(digits).padStart(digits + 3, "0");
  };
  const make = (name, attributes, parent, content) => {
    const node = document.createElementNS(svg.namespaceURI, name);
    for (const key in attributes) node.setAttribute(key, attributes[key]);
    if (content !== undefined) node.textContent = content;
    parent.appendChild(node);
    return node;
  };
  const tip = (node, content) => make("title", {}, node, content);
  const left = () => (svg.clientWidth < 640 ? 84 : 132);
  const x = (us) => left() + ((us - view[0]) / (view[1] - view[0])) * (svg.clientWidth - left() - 8);
  const describe = (m) => m.kind + " (" + m.operation + ")\\n" + m.sender + " → " + m.receiver + "\\nsent " + time(m.sent) +
    (m.arrived.length ? ", arrived " + m.arrived.map((at) => time(at) + " (" + ((at - m.sent) / 1000).toFixed(2) + " ms)").join(" and ") : ", never arrived") +
    (m.rule ? "\\n" + m.rule + " had a hand in it" : "") + "\\n" + m.bytes + " bytes" + (m.body ? "\\n" + m.body : "");
  const draw = () => {
    const all = wanted();
    const inView = all.filter((m) => m.end >= view[0] && m.sent <= view[1]);
    const step = Math.ceil(inView.length / drawnMost);
    const shown = step > 1 ? inView.filter((m, i) => i % step === 0 || m.arrived.length === 0).slice(0, 2 * drawnMost) : inView;
    const quiet = checked("quiet").length > 0;
    const busy = new Set(all.flatMap((m) => [m.from, m.to]));
    const rows = data.hosts.map((_, i) => i).filter((i) => !quiet || busy.has(i) || only.has(i));
    const y = new Map(rows.map((host, row) => [host, top + rowHeight * (row + 0.6)]));
    const height = top + rowHeight * (rows.length + 0.3);
    svg.replaceChildren();
    svg.setAttribute("height", height);
    const width = svg.clientWidth;
    const clip = make("clipPath", { id: "inside" }, svg);
    make("rect", { x: left(), y: 0, width: Math.max(0, width - left()), height }, clip);
    const inside = make("g", { "clip-path": "url(#inside)" }, svg);
    drawTicks(inside, height);
    for (const [hosts, label, from, to] of data.faults)
      for (const host of hosts) {
        if (!y.has(host)) continue;
        const [a, b] = [Math.max(left(), x(from)), Math.min(width, x(to))];
        if (b > a) tip(make("rect", { class: "fault", x: a, y: y.get(host) - rowHeight * 0.42, width: b - a, height: rowHeight * 0.84 }, inside), label + " " + data.hosts[host] + "\\n" + time(from) + " to " + time(to));
      }
    for (const host of rows) drawHost(host, y.get(host), inside, width);
    for (const m of shown) if (y.has(m.from) && y.has(m.to)) drawMessage(m, y, inside, shown.length);
    for (const [host, at, tone, what] of data.marks) {
      if (!y.has(host) || at < view[0] || at > view[1]) continue;
      const mark = tone === "trouble" || tone === "fault" ? "m-5,-5l10,10m0,-10l-10,10" : "m0,-6l6,6l-6,6l-6,-6z";
      tip(make("path", { class: "mark " + tone, d: "M" + x(at) + " " + y.get(host) + mark }, inside), time(at) + " " + data.hosts[host] + "\\n" + what);
    }
    if (around >= view[0] && around <= view[1]) make("line", { class: "around", x1: x(around), x2: x(around), y1: top - 8, y2: height }, inside);
    const lost = inView.filter((m) => m.arrived.length === 0).length;
    output.textContent = time(view[0]) + " to " + time(view[1]) + ": " + inView.length + " of " + messages.length + " messages" + (lost ? ", " + lost + " never arrived" : "") +
      (shown.length < inView.length ? "; every " + step + "th is drawn, magnify or filter to see each" : "");
    drawDensity(all);
  };
  const drawTicks = (parent, height) => {
    const wide = (view[1] - view[0]) / Math.max(2, Math.floor((svg.clientWidth - left()) / 110));
    const power = 10 ** Math.floor(Math.log10(wide));
    const step = [1, 2, 5, 10].map((n) => n * power).find((n) => n >= wide);
    for (let at = Math.ceil((view[0] + data.from) / step) * step - data.from; at <= view[1]; at += step) {
      make("line", { class: "tick", x1: x(at), x2: x(at), y1: top - 6, y2: height }, parent);
      // One that would be cut off at the edge says another time.
      if (x(at) + 66 <= svg.clientWidth) make("text", { class: "time", x: x(at) + 3, y: 12 }, parent, time(at));
    }
  };
  const drawHost = (host, y, parent, width) => {
    const name = make("text", { class: "host" + (only.has(host) ? " only" : ""), x: 0, y: y + 4, tabindex: 0 }, svg, data.hosts[host]);
    tip(name, "only messages from or to " + data.hosts[host]);
    name.addEventListener("click", () => { only.delete(host) || only.add(host); draw(); });
    let up = false, since = view[0];
    const line = (to) => {
      if (to > since) make("line", { class: up ? "life" : "life down", x1: Math.max(left(), x(since)), x2: Math.min(width, x(to)), y1: y, y2: y }, parent);
      since = Math.max(since, to);
    };
    if (data.lives[host].length === 0) up = true;
    for (const [at, isUp] of data.lives[host]) {
      if (at > view[1]) break;
      line(at);
      up = isUp;
    }
    line(view[1]);
  };
  const drawMessage = (m, y, parent, count) => {
    const group = make("g", { class: "message " + m.family + (m.arrived.length ? "" : " lost") + (picked && picked !== m && (picked.conversation < 0 || picked.conversation !== m.conversation) ? " faint" : "") + (picked === m ? " picked" : "") }, parent);
    tip(group, describe(m));
    const [x1, y1, y2] = [x(m.sent), y.get(m.from), y.get(m.to)];
    const down = y2 > y1 ? 1 : -1;
    for (const at of m.arrived.length ? m.arrived : [undefined]) {
      const [x2, yEnd] = at === undefined ? [x1 + 14, y1 + down * Math.min(Math.abs(y2 - y1) * 0.5, 26)] : [x(at), y2];
      make("path", { class: "hit", d: "M" + x1 + " " + y1 + "L" + x2 + " " + yEnd }, group);
      make("path", { d: "M" + x1 + " " + y1 + "L" + x2 + " " + yEnd }, group);
      if (at === undefined) { make("path", { class: "cross", d: "M" + x2 + " " + yEnd + "m-4,-4l8,8m0,-8l-8,8" }, group); continue; }
      const angle = Math.atan2(yEnd - y1, x2 - x1);
      const corner = (turn) => (x2 - 7 * Math.cos(angle + turn)).toFixed(1) + " " + (yEnd - 7 * Math.sin(angle + turn)).toFixed(1);
      make("path", { class: "head", d: "M" + x2 + " " + yEnd + "L" + corner(0.4) + "L" + corner(-0.4) + "Z" }, group);
    }
    if (count <= 40) make("text", { class: "kind", x: x1 + 4, y: y1 + down * 12 + (down > 0 ? 4 : 0) }, group, m.kind + (m.operation === "answer" ? " ✓" : ""));
    group.addEventListener("click", () => pick(picked === m ? undefined : m));
  };
  const pick = (m) => {
    picked = m;
    details.hidden = !m;
    if (m) {
      const same = m.conversation < 0 ? [m] : messages.filter((one) => one.conversation === m.conversation);
      details.textContent = same.slice(0, 20).map(describe).join("\\n\\n") + (same.length > 20 ? "\\n\\n… and " + (same.length - 20) + " more" : "");
    }
    draw();
  };
  const drawDensity = (all) => {
    const width = (canvas.width = Math.max(1, canvas.clientWidth)), counts = new Array(width).fill(0), lost = new Array(width).fill(0);
    for (const m of all) {
      const at = Math.min(width - 1, Math.floor((m.sent / span) * width));
      counts[at]++;
      if (!m.arrived.length) lost[at]++;
    }
    const most = Math.max(1, ...counts), context = canvas.getContext("2d"), style = getComputedStyle(root), colour = (name) => style.getPropertyValue(name);
    context.clearRect(0, 0, width, 28);
    context.fillStyle = colour("--faint");
    context.fillRect((view[0] / span) * width, 0, Math.max(2, ((view[1] - view[0]) / span) * width), 28);
    for (let i = 0; i < width; i++) {
      context.fillStyle = colour("--leader");
      context.fillRect(i, 28 - (26 * counts[i]) / most, 1, (26 * counts[i]) / most);
      context.fillStyle = colour("--bad");
      context.fillRect(i, 28 - (26 * lost[i]) / most, 1, (26 * lost[i]) / most);
    }
    context.fillStyle = colour("--bad");
    context.fillRect((around / span) * width, 0, 1.5, 28);
  };
  const zoom = (factor, at = (view[0] + view[1]) / 2) => setView(at - (at - view[0]) * factor, at + (view[1] - at) * factor);
  const timeAt = (event) => {
    const box = svg.getBoundingClientRect();
    return view[0] + ((event.clientX - box.left - left()) / (box.width - left() - 8)) * (view[1] - view[0]);
  };
  const move = (share) => setView(view[0] + share * (view[1] - view[0]), view[1] + share * (view[1] - view[0]));
  const actions = { in: () => zoom(0.5), out: () => zoom(2), moment: showMoment, all: () => setView(0, span) };
  for (const name in actions) root.querySelector("button[name=" + name + "]").addEventListener("click", actions[name]);
  root.querySelectorAll("input").forEach((input) => input.addEventListener("input", draw));
  svg.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    zoom(event.deltaY > 0 ? 1.25 : 0.8, timeAt(event));
  }, { passive: false });
  svg.addEventListener("keydown", (event) => {
    const act = { "+": () => zoom(0.5), "=": () => zoom(0.5), "-": () => zoom(2), ArrowLeft: () => move(-0.2), ArrowRight: () => move(0.2) }[event.key];
    if (act) { event.preventDefault(); act(); }
  });
  let dragged;
  svg.addEventListener("pointerdown", (event) => { dragged = { at: event.clientX, view, moved: false }; });
  svg.addEventListener("pointermove", (event) => {
    if (!dragged) return;
    const by = event.clientX - dragged.at;
    if (!dragged.moved && Math.abs(by) < 4) return;
    if (!dragged.moved) svg.setPointerCapture(event.pointerId);
    dragged.moved = true;
    const perPixel = (dragged.view[1] - dragged.view[0]) / (svg.clientWidth - left() - 8);
    setView(dragged.view[0] - by * perPixel, dragged.view[1] - by * perPixel);
  });
  for (const name of ["pointerup", "pointercancel"]) svg.addEventListener(name, () => { dragged = undefined; });
  canvas.addEventListener("click", (event) => {
    const at = (event.offsetX / canvas.clientWidth) * span, half = (view[1] - view[0]) / 2;
    setView(at - half, at + half);
  });
  addEventListener("resize", draw);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  showMoment();
})();
`;
