"use strict";
const page = (() => {
  const POLL = 2000, TIMEOUT = 4000;
  const $ = (id) => document.getElementById(id);
  // Every value becomes text by way of textContent, so no name can become markup.
  const el = (tag, cls, ...kids) => {
    const node = document.createElement(tag);
    if (cls) node.className = cls;
    for (const kid of kids) {
      if (kid instanceof Node) node.appendChild(kid);
      else if (kid !== null && kid !== undefined) node.appendChild(document.createTextNode(String(kid)));
    }
    return node;
  };
  const svg = (tag, attributes, text) => {
    const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const name in attributes) node.setAttribute(name, attributes[name]);
    if (text !== undefined) node.textContent = text;
    return node;
  };
  // Text in backticks is shown as code.
  const prose = (text) => {
    const parts = (text.charAt(0).toUpperCase() + text.slice(1)).split("`");
    return parts.map((part, at) => (at % 2 ? el("code", "", part) : part));
  };
  const fill = (id, ...kids) => $(id).replaceChildren(...kids);
  const empty = (text) => el("p", "empty", text);

  const known = (n) => n !== null && n !== undefined;
  const number = (n, places) => n.toLocaleString("en", { maximumFractionDigits: places === undefined ? 0 : places });
  const count = (n) => (n >= 1e6 ? number(n / 1e6, 1) + "M" : n >= 1e4 ? number(n / 1e3, 1) + "k" : number(n));
  const rate = (n) => (n >= 1e4 ? number(n / 1e3, 1) + "k" : n >= 100 ? number(n) : number(n, n >= 10 ? 1 : 2));
  const percent = (n) => (known(n) ? number(n, n > 0 && n < 1 ? 2 : 1) + " %" : "–");
  const time = (ms) => {
    if (!known(ms)) return "–";
    if (ms === 0) return "0 ms";
    if (ms < 0.1) return number(ms * 1000, 1) + " µs";
    if (ms < 1000) return number(ms, ms < 10 ? 2 : ms < 100 ? 1 : 0) + " ms";
    return number(ms / 1000, 2) + " s";
  };
  const bytes = (n) => {
    const units = ["B", "KiB", "MiB", "GiB", "TiB"];
    let unit = 0;
    while (n >= 1024 && unit < units.length - 1) { n /= 1024; unit += 1; }
    return number(n, n < 10 && unit ? 1 : 0) + " " + units[unit];
  };
  const span = (ms) => {
    const s = Math.floor(ms / 1000), d = Math.floor(s / 86400), h = Math.floor(s / 3600) % 24, m = Math.floor(s / 60) % 60;
    if (d) return d + " d " + h + " h";
    if (h) return h + " h " + m + " min";
    if (m) return m + " min" + (s % 60 ? " " + (s % 60) + " s" : "");
    return s + " s";
  };
  const clock = (date) => date.toLocaleTimeString("en-GB");
  const words = (name) => name.replace(/([A-Z])/g, " $1").replace(/_/g, " ").toLowerCase();
  const title = (name) => { const text = words(name); return text.charAt(0).toUpperCase() + text.slice(1); };
  // Warns beyond the target, and is bad beyond the threshold of the alert.
  const grade = (value, target, alert, low) => {
    if (!known(value)) return "";
    const beyond = (bound) => (low ? value < bound : value > bound);
    return beyond(alert) ? "bad" : beyond(target) ? "warn" : "";
  };

  const table = (columns, rows) => {
    const head = el("tr");
    for (const column of columns) {
      const th = el("th", column.left ? "left" : "", column.name);
      th.scope = "col";
      head.appendChild(th);
    }
    const body = el("tbody");
    for (const row of rows) {
      const tr = el("tr");
      for (const column of columns) {
        const cell = column.of(row);
        const td = el("td", [column.cls, column.left && "left"].filter(Boolean).join(" "), cell);
        const tone = column.tone && column.tone(row);
        if (tone) td.classList.add(tone);
        if (column.cls === "name") td.title = td.textContent;
        tr.appendChild(td);
      }
      body.appendChild(tr);
    }
    return el("div", "scroll", el("table", "", el("thead", "", head), body));
  };

  const tile = (name, value, unit, target, tone) =>
    el("div", "tile", el("div", "name", name), el("div", "value " + tone, value, unit ? el("span", "", unit) : null), el("div", "target", target));

  const tiles = (p) => {
    const t = p.targets, r = p.requests, m = p.memory, c = p.process, quiet = r.count === 0;
    fill("tiles",
      tile("Requests", rate(r.perSecond), "/ s", quiet ? "none in the window" : count(r.count) + " in the window", ""),
      tile("Mean time", quiet ? "–" : time(r.mean), "", "target < " + time(t.responseTime), quiet ? "" : grade(r.mean, t.responseTime, 1000)),
      tile("Hit rate", p.cache.disabled ? "off" : percent(p.cache.hitRate), "", "target > " + t.hitRate + " %", p.cache.disabled ? "warn" : grade(p.cache.hitRate, t.hitRate, 70, true)),
      tile("Errors", quiet ? "–" : percent(r.errorRate), "", "target < " + t.errors + " %", quiet ? "" : grade(r.errorRate, t.errors, 1)),
      tile("Memory", m.total ? m.percentage + " %" : "–", "", m.total ? bytes(m.used) + " of " + bytes(m.total) : "not reported by this system", m.total ? grade(m.percentage, t.memory, 90) : ""),
      tile("CPU", percent(c.cpuOfQuota), "", (c.cores ? number(c.cores, 1) + " cores" : "not reported by this system") + (c.load ? ", load " + number(c.load[0], 2) : ""), grade(c.cpuOfQuota, t.cpu, 90)));
  };

  const W = 640, H = 150, LEFT = 54, RIGHT = 8, TOP = 8, BOTTOM = 20;
  const ceiling = (max) => {
    if (max <= 0) return 1;
    const power = Math.pow(10, Math.floor(Math.log10(max)));
    for (const step of [1, 2, 2.5, 5, 10]) if (step * power >= max) return step * power;
    return max;
  };
  const chart = (p, spec) => {
    const points = p.history, drawn = svg("svg", { viewBox: "0 0 " + W + " " + H, preserveAspectRatio: "none", role: "img" });
    // Text must not be stretched with the drawing: the view box follows the real width.
    const width = Math.max(280, Math.round(spec.box.clientWidth || W));
    drawn.setAttribute("viewBox", "0 0 " + width + " " + H);
    const values = points.flatMap((s) => spec.series.map((one) => one.of(s))).filter(known);
    const max = spec.max || ceiling(Math.max(0, ...values) * 1.05);
    const last = points.length - 1;
    // The newest sample is always at the right; time before the start stays empty.
    const x = (at) => width - RIGHT - (last - at) * (width - LEFT - RIGHT) / 119;
    const y = (value) => H - BOTTOM - Math.min(value, max) * (H - TOP - BOTTOM) / max;
    for (const part of [0, 0.5, 1]) {
      const at = Math.round(y(max * part)) + 0.5;
      drawn.appendChild(svg("line", { class: "grid", x1: LEFT, x2: width - RIGHT, y1: at, y2: at }));
      drawn.appendChild(svg("text", { x: LEFT - 8, y: at + 4, "text-anchor": "end" }, spec.unit(max * part)));
    }
    const back = 120 * p.period;
    for (const [part, anchor] of [[0, "start"], [0.5, "middle"], [1, "end"]]) {
      const label = part === 1 ? "now" : "−" + span(back * (1 - part));
      drawn.appendChild(svg("text", { x: LEFT + (width - LEFT - RIGHT) * part, y: H - 5, "text-anchor": anchor }, label));
    }
    if (known(spec.goal) && spec.goal <= max) {
      const at = Math.round(y(spec.goal)) + 0.5;
      drawn.appendChild(svg("line", { class: "goal", x1: LEFT, x2: width - RIGHT, y1: at, y2: at }));
    }
    spec.series.forEach((one, index) => {
      let path = "", run = [];
      const flush = () => {
        if (run.length === 1) drawn.appendChild(svg("circle", { class: "dot s" + index, cx: run[0][0], cy: run[0][1], r: 2 }));
        else if (run.length) {
          path += "M" + run.map((point) => point[0].toFixed(1) + " " + point[1].toFixed(1)).join("L");
          if (spec.series.length === 1) {
            const base = (H - BOTTOM).toFixed(1);
            const area = "M" + run[0][0].toFixed(1) + " " + base + "L" + run.map((point) => point[0].toFixed(1) + " " + point[1].toFixed(1)).join("L") + "L" + run[run.length - 1][0].toFixed(1) + " " + base + "Z";
            drawn.appendChild(svg("path", { class: "area", d: area }));
          }
        }
        run = [];
      };
      points.forEach((sample, at) => {
        const value = one.of(sample);
        if (known(value)) run.push([x(at), y(value)]); else flush();
      });
      flush();
      if (path) drawn.appendChild(svg("path", { class: "line s" + index, d: path }));
    });
    const newest = points[last];
    drawn.setAttribute("aria-label", spec.name + (newest ? ": " + spec.series.map((one) => one.name + " " + (known(one.of(newest)) ? spec.unit(one.of(newest)) : "no data")).join(", ") : ""));
    spec.box.replaceChildren(drawn);
  };

  const CHARTS = [
    { name: "Requests per second", unit: rate, series: [{ name: "requests", of: (s) => s.requests }] },
    { name: "Response time", unit: time, goal: (p) => p.targets.responseTime, series: [{ name: "p50", of: (s) => s.p50 }, { name: "p95", of: (s) => s.p95 }, { name: "p99", of: (s) => s.p99 }] },
    { name: "Hit rate", unit: (n) => number(n) + " %", max: 100, goal: (p) => p.targets.hitRate, series: [{ name: "hit rate", of: (s) => s.hitRate }] },
    { name: "Memory and CPU", unit: (n) => number(n) + " %", max: 100, goal: (p) => p.targets.memory, series: [{ name: "memory", of: (s) => s.memory }, { name: "CPU", of: (s) => s.cpu }] },
  ];
  const charts = (p) => {
    if (!$("charts").firstChild) {
      for (const spec of CHARTS) {
        spec.box = el("div");
        const legend = el("div", "legend");
        if (spec.series.length > 1) spec.series.forEach((one, index) => legend.appendChild(el("span", "s" + index, el("i"), one.name)));
        $("charts").appendChild(el("div", "chart", el("div", "head", el("h2", "", spec.name), legend), spec.box));
      }
    }
    for (const spec of CHARTS) chart(p, { ...spec, goal: spec.goal && spec.goal(p) });
  };

  const when = (text) => { const date = new Date(text); return isNaN(date) ? "" : "since " + clock(date); };
  const alerts = (p) => {
    const item = (a) => el("div", "item", el("div", "top", el("em", "tag " + (a.state === "firing" ? "bad" : "good"), a.state), el("b", "", title(a.kind)), el("span", "", when(a.since))), el("p", "", ...prose(a.message + ".")));
    const past = p.recentAlerts.filter((a) => a.state === "resolved").slice(-3).reverse();
    const all = p.alerts.concat(past);
    fill("alerts", ...(all.length ? all.map(item) : [empty("No alert fires.")]));
  };
  const advice = (p) => {
    const item = (r) => el("div", "item", el("div", "top", el("b", "", r.subject), el("span", "", words(r.rule.replace(/-/g, " ")))), el("p", "", ...prose(r.evidence + ".")), el("p", "do", ...prose(r.advice + ".")));
    fill("advice", ...(p.recommendations.length ? p.recommendations.map(item) : [empty("No recommendations so far.")]));
  };

  const calls = (p, first) => [
    { name: first, left: true, cls: "name", of: (r) => r.name },
    { name: "Per s", of: (r) => rate(r.perSecond) },
    { name: "Calls", of: (r) => count(r.count) },
    { name: "Mean", of: (r) => time(r.mean), tone: (r) => grade(r.mean, p.targets.responseTime, 1000) },
    { name: "p50", of: (r) => time(r.p50) },
    { name: "p95", of: (r) => time(r.p95) },
    { name: "p99", of: (r) => time(r.p99) },
    { name: "Errors", of: (r) => percent(r.errorRate), tone: (r) => grade(r.errorRate, p.targets.errors, 1) },
  ];
  const routes = (p) => {
    fill("routes", p.routes.length ? table(calls(p, "Route"), p.routes) : empty("No requests in the window, or no source of routes."));
    fill("functions", p.functions.length ? table(calls(p, "Function").concat({ name: "Slow", of: (r) => count(r.slow) }), p.functions) : empty("No timed function was called in the window."));
  };
  const cache = (p) => {
    const columns = [
      { name: "Function and key", left: true, cls: "name", of: (s) => el("span", "", s.function, el("small", "", s.key)) },
      { name: "Hit rate", of: (s) => (s.disabled ? "off" : percent(s.hitRate)), tone: (s) => (s.disabled ? "warn" : s.hits + s.sharedHits + s.misses + s.coalesced >= 200 ? grade(s.hitRate, p.targets.hitRate, 70, true) : "") },
      { name: "Local hits", of: (s) => count(s.hits) },
      { name: "Shared hits", of: (s) => count(s.sharedHits) },
      { name: "Misses", of: (s) => count(s.misses) },
      { name: "Loads", of: (s) => count(s.loads) },
      { name: "Failed loads", of: (s) => count(s.loadErrors), tone: (s) => (s.loadErrors ? "bad" : "") },
      { name: "Mean load", of: (s) => (s.loads + s.loadErrors ? time(s.meanLoad) : "–") },
      { name: "Coalesced", of: (s) => count(s.coalesced) },
      { name: "Served stale", of: (s) => count(s.staleServed) },
      { name: "Bypassed", of: (s) => count(s.bypassed) },
    ];
    fill("cache", p.cache.sites.length ? table(columns, p.cache.sites) : empty("No cached function was called in the window."));
  };

  const TONES = { closed: "good", open: "bad", half_open: "warn", forced_open: "bad", forced_closed: "warn", disabled: "warn" };
  const policies = (p) => {
    const shown = p.policies;
    const state = (one) => {
      const own = one.breakers.find((b) => b.name === one.name) || one.breakers[0];
      return own ? el("em", "tag " + (TONES[own.state] || ""), words(own.state)) : "";
    };
    const outcomes = (one) => Object.entries(one.outcomes).filter((entry) => entry[1] > 0).map((entry) => words(entry[0]) + " " + count(entry[1])).join(" · ") || "no calls";
    const columns = [
      { name: "Policy", left: true, cls: "name", of: (one) => el("span", "", one.name, el("small", "", words(one.kind))) },
      { name: "State", left: true, of: state },
      { name: "Calls in the window", left: true, cls: "wrap", of: outcomes },
    ];
    fill("policies", shown.length ? table(columns, shown) : empty("No breaker, retry, bulkhead or other policy has been used yet."));
  };
  const settings = (p) => {
    const KINDS = { functions: "function", policies: "policy" };
    const rows = Object.entries(p.settings || {}).flatMap(([section, named]) => Object.entries(named).map(([name, given]) => ({ kind: KINDS[section] || section, name, given })));
    // The options of a policy stand under its kind, except for a timeout, which is one value.
    const options = (given, before) => Object.entries(given).flatMap(([name, value]) => (value instanceof Object ? options(value, before + name + ".") : [before + name + " = " + JSON.stringify(value)]));
    const columns = [
      { name: "Function or policy", left: true, cls: "name", of: (one) => el("span", "", one.name, el("small", "", one.kind)) },
      { name: "Settings", left: true, cls: "wrap", of: (one) => options(one.given, "").join(" · ") || "as in the code" },
    ];
    $("card-settings").hidden = !rows.length;
    fill("settings", table(columns, rows));
  };
  const deps = (p) => {
    const rows = p.probes.map((one) => ({ name: one.name, ok: one.ok, latency: one.latency, note: one.error || (one.optional ? "optional" : "required") }));
    if (p.cache.shared) {
      const tier = p.cache.shared;
      rows.push({ name: "shared tier", ok: tier.connected && tier.coherent, latency: tier.latency, note: !tier.connected ? "not connected" : !tier.coherent ? "not coherent" : count(tier.hits) + " hits, " + count(tier.misses) + " misses" });
    }
    const columns = [
      { name: "Name", left: true, cls: "name", of: (one) => one.name },
      { name: "State", left: true, of: (one) => el("em", "tag " + (one.ok ? "good" : "bad"), one.ok ? "up" : "down") },
      { name: "Latency", of: (one) => time(one.latency) },
      { name: "", left: true, cls: "wrap", of: (one) => one.note },
    ];
    if (p.pool) rows.push({ name: "pool", ok: true, latency: null, note: p.pool.inUse + " of " + (p.pool.max || p.pool.connections) + " connections in use, " + p.pool.waiting + " operations waiting" });
    fill("deps", rows.length ? table(columns, rows) : empty("No probes, and no shared tier."));
  };
  const queries = (p) => {
    const columns = [
      { name: "Collection", left: true, cls: "name", of: (q) => q.collection },
      { name: "Shape", left: true, cls: "name", of: (q) => q.shape },
      { name: "Slow", of: (q) => count(q.count) },
      { name: "Slowest", of: (q) => time(q.slowest) },
      { name: "Index that would serve it", left: true, cls: "name", of: (q) => q.index || "–" },
    ];
    fill("queries", p.slowQueries.length ? table(columns, p.slowQueries) : empty("No slow queries."));
  };
  const sections = (p) => {
    fill("sections", ...Object.entries(p.sections).map(([name, value]) => el("section", "card", el("h2", "", title(name)), el("pre", "", JSON.stringify(value, null, 2)))));
  };

  let last = null, lastAt = 0, silentSince = 0, silentWhy = "";
  const PILLS = { healthy: "good", degraded: "warn", unhealthy: "bad" };
  const pill = (tone, text) => { $("status").className = "pill " + tone; $("status").lastElementChild.textContent = text; };
  const show = (p) => {
    pill(PILLS[p.status] || "pending", title(p.status));
    document.title = (p.status === "healthy" ? "" : "(" + p.status + ") ") + "Fastness";
    $("reasons").hidden = !p.reasons.length;
    $("reasons").className = "notice " + (p.status === "unhealthy" ? "bad" : "warn");
    fill("reasons", el("ul", "", ...p.reasons.map((reason) => el("li", "", ...prose(reason)))));
    $("uptime").textContent = "up " + span(p.uptime);
    for (const small of document.querySelectorAll(".window")) small.textContent = "last " + (p.window >= 1 ? span(p.window * 1000) : "moments");
    $("main").hidden = false;
    for (const part of [tiles, charts, alerts, advice, routes, cache, policies, settings, deps, queries, sections]) part(p);
  };
  const silent = (why) => {
    silentSince = silentSince || Date.now();
    silentWhy = why;
    pill("bad", "No answer");
    document.title = "(no answer) Fastness";
    $("offline").hidden = false;
    $("offline").textContent = "No answer from the server for " + span(Date.now() - silentSince) + " (" + why + "). " + (last ? "These figures are from " + clock(new Date(lastAt)) + "." : "No figures were received yet.");
    $("main").classList.add("old");
  };
  const heard = (p) => {
    silentSince = 0;
    $("offline").hidden = true;
    $("main").classList.remove("old");
    [last, lastAt] = [p, Date.now()];
    show(p);
  };
  const poll = async () => {
    const stop = new AbortController(), timer = setTimeout(() => stop.abort(), TIMEOUT);
    try {
      const answer = await fetch("api/performance", { signal: stop.signal, cache: "no-store" });
      // A proxy in between answers with a page of its own.
      const body = await answer.json().catch(() => null);
      if (answer.ok && body) heard(body);
      else if (body && body.status === "starting") { silentSince = 0; pill("pending", "Starting"); $("offline").hidden = true; }
      else silent("status " + answer.status);
    } catch (error) {
      silent(error.name === "AbortError" ? "no answer within " + TIMEOUT / 1000 + " s" : "no connection");
    } finally {
      clearTimeout(timer);
      setTimeout(poll, POLL);
    }
  };
  setInterval(() => {
    if (last) $("updated").textContent = "sampled " + clock(new Date(last.timestamp));
    if (silentSince) silent(silentWhy);
  }, 1000);
  let resizing = 0;
  addEventListener("resize", () => { clearTimeout(resizing); resizing = setTimeout(() => last && charts(last), 100); });
  poll();
  return { $, el, table, fill, empty, span, number };
})();
