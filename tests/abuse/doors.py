"""Who may turn the levers, and whether secrets come out."""

import base64
import http.client
import json
import re

from demo import Demo

# Method, path and body of what only its owner should be able to ask.
CONTROLS = (
    ("GET", "/api/cache/stats", None),
    ("GET", "/api/cache/registry", None),
    ("POST", "/api/cache/invalidate", {"pattern": "user:1"}),
    ("GET", "/api/resilience", None),
    ("GET", "/api/breakers/supplier", None),
    ("PUT", "/api/breakers/supplier", {"state": "automatic"}),
    ("GET", "/api/settings", None),
    ("PUT", "/api/settings", {}),
    ("GET", "/api/supplier", None),
    ("PUT", "/api/supplier", {"mood": "up"}),
    ("GET", "/api/slow-queries", None),
    ("GET", "/api/indexes", None),
    ("GET", "/api/performance", None),
    ("GET", "/metrics", None),
    ("GET", "/dashboard", None),
)
# Of these every client may know a word: the probes of an orchestrator ask them.
HEALTH = (("GET", "/health", None), ("GET", "/health/live", None), ("GET", "/health/ready", None))
TOKEN = "token-of-the-walk-0123456789abcdef"
PASSWORD = "pa55word-of-the-walk"
SUPPLIER = f"http://shop:{PASSWORD}@127.0.0.1:9"
SECRETS = (PASSWORD, base64.b64encode(f"shop:{PASSWORD}".encode()).decode(), TOKEN)

# How it is started, and who may then ask a control on the public and on the private listener.
STARTS = (
    ("as in the container", {"APP_ENV": "production"}, "no client", "every client"),
    ("and with a token", {"APP_ENV": "production", "ADMIN_TOKEN": TOKEN}, "no client", "the token"),
    ("with a token alone", {"APP_ENV": "production", "ADMIN_ADDR": "", "ADMIN_TOKEN": TOKEN}, "the token", None),
    ("in production with neither", {"APP_ENV": "production", "ADMIN_ADDR": ""}, "no client", None),
    ("by cargo run", {"ADMIN_ADDR": ""}, "every client", None),
)


async def every_start(_):
    """Walks through all controls of each start."""
    lines, faults = [], []
    for about, settings, public, private in STARTS:
        walked, missed = walk(settings, public, private)
        lines += [f"{about}: {line}" for line in walked]
        faults += [f"{about}: {fault}" for fault in missed]
    return lines, faults


def walk(settings, public, private):
    """Asks everything without a token, with a wrong one and with the right one, on each listener."""
    settings = {"SHUTDOWN_DELAY": "0s", "SUPPLIER_URL": SUPPLIER, "RUST_LOG": "info", **settings}
    lines, faults, heard = [], [], ""
    with Demo(settings) as demo:
        listeners = [("public", demo.address, public)]
        if private and demo.private == demo.address:
            faults.append("there is no private listener")
        elif private:
            listeners.append(("private", demo.private, private))
        for listener, address, expected in listeners:
            told, wrong = {}, {}
            for method, path, body in CONTROLS + HEALTH:
                answers = [ask(address, method, path, body, token) for token in (None, "wrong", TOKEN)]
                heard += "".join(text for _, text in answers)
                who = admitted([status for status, _ in answers])
                told.setdefault(who, []).append(path if method == "GET" else f"{method} {path}")
                wanted = expected if (method, path, body) in CONTROLS else "every client"
                if who != wanted:
                    wrong.setdefault((who, wanted), []).append(path)
            lines += [f"{listener}, for {who}: {', '.join(names)}" for who, names in told.items()]
            for (who, wanted), paths in wrong.items():
                faults.append(f"{listener}: for {who}, not for {wanted}: {len(paths)} endpoints, first {paths[0]}")
        heard += (logged := demo.logged())
        lines += re.findall(r"((?:open|health|control)[ ,][^\"\n]*http://[^:]*:\d+)", logged)
    faults += [f"a secret is in an answer or in the log: {secret[:8]}.." for secret in SECRETS if secret in heard]
    return lines, faults


def admitted(statuses):
    """Who gets past the door, by the statuses without, with a wrong, and with the right token."""
    inside = [isinstance(status, int) and status not in (401, 403, 404) for status in statuses]
    return {(True, True, True): "every client", (False, False, True): "the token", (False, False, False): "no client"}.get(
        tuple(inside), f"whom it likes {statuses}")


def ask(address, method, path, body, token):
    """The status and all of the text of an answer."""
    headers = {"Content-Type": "application/json"} if body else {}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    link = http.client.HTTPConnection(*address, timeout=5)
    try:
        link.request(method, path, json.dumps(body) if body else None, headers)
        answer = link.getresponse()
        return answer.status, f"{answer.headers}\n{answer.read().decode(errors='replace')}"
    except (OSError, http.client.HTTPException) as error:
        return type(error).__name__, ""
    finally:
        link.close()
