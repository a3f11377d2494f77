// The inspector, for operators. Values become text by way of `page`, and the token stays in this page's memory.
(({ $, el, table, fill, empty, span, number }) => {
  let token = "", functions = [];
  const say = (tone, text) => {
    $("inspector-said").className = "notice " + tone;
    $("inspector-said").textContent = text;
    $("inspector-said").hidden = !text;
  };
  const ask = async (path, body) => {
    const headers = { "content-type": "application/json" };
    if (token) headers.authorization = "Bearer " + token;
    const answer = await fetch("api/inspector" + path, { method: "POST", cache: "no-store", headers, body: JSON.stringify(body || {}) });
    const found = await answer.json().catch(() => null);
    if (answer.ok && found) return found;
    const error = new Error((found && found.detail) || "status " + answer.status);
    error.status = answer.status;
    throw error;
  };
  const options = (id, names) => {
    const chosen = $(id).value;
    fill(id, ...names.map((name) => el("option", "", name)));
    if (names.includes(chosen)) $(id).value = chosen;
  };
  const chosen = () => functions.find((one) => one.name === $("inspector-function").value);
  const labelSwitch = () => { const one = chosen(); $("inspector-switch").textContent = one && !one.enabled ? "Turn on" : "Turn off"; };
  const overview = async () => {
    const seen = await ask("");
    functions = seen.functions;
    options("inspector-function", functions.map((one) => one.name));
    options("inspector-breaker", seen.breakers.map((one) => one.name));
    labelSwitch();
    $("inspector").hidden = false;
    $("inspector-login").hidden = true;
    $("inspector-tools").hidden = false;
  };
  const locked = () => {
    token = "";
    $("inspector").hidden = false;
    $("inspector-login").hidden = false;
    $("inspector-tools").hidden = true;
    fill("inspector-keys");
  };
  // Shows what came of an action. Without the right to it, the page asks for the token again.
  const run = (action) => async () => {
    try {
      say("", "");
      await action();
    } catch (error) {
      if (error.status === 401 || error.status === 403) locked();
      say("bad", "Refused: " + error.message);
    }
  };
  const keys = async () => {
    const order = $("inspector-order").value;
    const listed = await ask("/keys", { function: $("inspector-function").value, order });
    const columns = [
      { name: "Key", left: true, cls: "name", of: (one) => one.key },
      { name: "Heat", of: (one) => one.heat },
      { name: "Age", of: (one) => span(one.age) },
      { name: "Bytes", of: (one) => number(one.bytes) + (one.sizeOfType ? " or more" : "") },
      { name: "Ttl left", of: (one) => (one.ttlLeft === null ? "no expiry" : span(one.ttlLeft)) },
      { name: "", left: true, of: (one) => (one.negative ? "absence or error" : "") },
    ];
    fill("inspector-keys", listed.keys.length ? table(columns, listed.keys) : empty("This process has no entry of it."));
    say("good", number(listed.keys.length) + (listed.complete ? " keys, which are all." : order === "bytes" ? " keys, the largest of more." : " keys, the hottest of more."));
  };
  const REACH = { announced: "for all processes", localOnly: "in this process; the others are told when the shared tier can be reached", deferred: "when the transaction commits" };
  const purge = async () => {
    const pattern = $("inspector-pattern").value.trim();
    const done = await ask("/purge", { pattern });
    fill("inspector-keys");
    say("good", pattern + " is invalidated " + REACH[done.reach] + ".");
  };
  const turn = async () => {
    const one = chosen();
    if (!one) throw new Error("no function was called yet");
    const done = await ask("/function", { function: one.name, enabled: !one.enabled });
    await overview();
    say("good", done.name + " is " + (done.enabled ? "on." : "off in this process: its calls bypass the cache."));
  };
  const force = async () => {
    const done = await ask("/breaker", { breaker: $("inspector-breaker").value, state: $("inspector-state").value });
    say("good", "The breaker " + done.name + " is " + done.state.replace("_", " ") + " in this process.");
  };
  const enter = async () => {
    token = $("operator-token").value;
    $("operator-token").value = "";
    await overview();
  };
  $("operator-enter").addEventListener("click", run(enter));
  $("operator-token").addEventListener("keydown", (event) => { if (event.key === "Enter") run(enter)(); });
  $("inspector-function").addEventListener("change", labelSwitch);
  $("inspector-list").addEventListener("click", run(keys));
  $("inspector-purge").addEventListener("click", run(purge));
  $("inspector-switch").addEventListener("click", run(turn));
  $("inspector-force").addEventListener("click", run(force));
  // Without an operator's authorisation there is no inspector; behind a proxy that authorises, it needs no token.
  overview().catch((error) => { if (error.status === 401 || error.status === 403) locked(); });
})(page);
