"""What is measured beside an attack: each watcher is a process of its own, so that the attacker's work does not slow it down."""

import gc
import http.client
import json
import multiprocessing
import os
import time

HEALTH_EVERY = 0.02
CLIENT_EVERY = 0.05
# What is not answered by then counts as not answered.
PATIENCE = 5.0
HEALTH_PEER = "127.0.0.1"
CLIENT_PEER = "127.0.0.2"

FORK = multiprocessing.get_context("fork")


class Side:
    """A function that runs in a process of its own, until it is done or told to stop."""

    def __init__(self, function, *arguments, niceness=0):
        self.stopping = FORK.Event()
        self.receiver, sender = FORK.Pipe(duplex=False)

        def run():
            os.nice(niceness)
            gc.disable()
            sender.send(function(self.stopping, *arguments))

        self.process = FORK.Process(target=run, daemon=True)
        self.process.start()
        sender.close()

    def result(self):
        """Waits for what the function returns."""
        try:
            return self.receiver.recv()
        except EOFError:
            raise SystemExit("a process of this script failed; see above") from None
        finally:
            self.process.join(10)

    def stop(self):
        """Tells it to stop, and waits for what it returns."""
        self.stopping.set()
        return self.result()


class Seen:
    """What a watcher saw: times of answers in milliseconds, and what was no answer."""

    def __init__(self):
        self.slowest = 0.0
        self.answers = 0
        self.refused = 0
        self.failures = []

    def add(self, began, outcome):
        """Notes what became of a request: a status, or an error."""
        millis = (time.perf_counter() - began) * 1000
        self.slowest = max(self.slowest, millis)
        self.answers += 1
        if outcome in (429, 503):
            self.refused += 1
        elif not (isinstance(outcome, int) and 200 <= outcome < 400):
            self.failures.append(str(outcome) or type(outcome).__name__)


def health(stopping, address, seconds):
    """Asks /health/live on a new connection each time."""
    seen, end = Seen(), time.monotonic() + seconds
    while not stopping.is_set() and time.monotonic() < end:
        began = time.perf_counter()
        outcome = ask(connection(address, HEALTH_PEER), "GET", "/health/live", {"Connection": "close"})
        # A refusal is no answer here: it is taken for a dead server.
        seen.add(began, outcome if outcome == 200 else f"health {outcome}")
        stopping.wait(max(0.0, HEALTH_EVERY - (time.perf_counter() - began)))
    return seen


def client(stopping, address, seconds):
    """Reads, lists, and writes now and then, on one connection as long as that lives."""
    seen, end, number = Seen(), time.monotonic() + seconds, 0
    link = connection(address, CLIENT_PEER)
    while not stopping.is_set() and time.monotonic() < end:
        number += 1
        began = time.perf_counter()
        outcome = ask(link, *polite(number))
        seen.add(began, outcome)
        if not isinstance(outcome, int):
            link.close()
            link = connection(address, CLIENT_PEER)
        stopping.wait(CLIENT_EVERY)
    link.close()
    return seen


def polite(number):
    """The request that a well-behaved client makes as its `number`th: method, path, headers and body."""
    if number % 10 == 0:
        user = {"business": 1, "name": f"Guest {number}", "email": f"guest{number}@works.example"}
        headers = {"Content-Type": "application/json", "Idempotency-Key": f"polite-{number}"}
        return "PUT", f"/api/users/{number % 100 + 1}", headers, json.dumps(user)
    if number % 3 == 0:
        return "GET", f"/api/products?page={number % 5 + 1}", {}
    return "GET", f"/api/users/{number % 100 + 1}", {}


def connection(address, peer):
    """A connection from `peer`, made at the first request."""
    return http.client.HTTPConnection(*address, timeout=PATIENCE, source_address=(peer, 0))


def ask(link, method, path, headers, body=None):
    """The status of the answer, once all of it is here; or the error."""
    try:
        link.request(method, path, body, headers)
        answer = link.getresponse()
        answer.read()
        return answer.status
    except (OSError, http.client.HTTPException) as error:
        link.close()
        return error
