"""Attacks a server of our own on loopback and measures what stands; started by scripts/abuse, whose --help says more."""

import asyncio
import functools
import os
import resource
import signal
import sys
import textwrap
import time
import traceback

import doors
import large
import logs
import malformed
import slow
import soak
from demo import MEMORY_LIMIT_MIB, Demo
from watch import Side, client, health

HEALTH_MILLIS = 100
# No attack takes longer.
LONGEST = 180
CALM = 2.0
# The attacker gives way to the server and to who measures, as it would on a machine of its own.
NICENESS = 10


async def nothing(_):
    """The same without an attack."""
    await asyncio.sleep(10)
    return ["what the machine does by itself"], []


# Name, what runs it, and the limit of files of the server where it is not the one it gets.
MEASURED = (
    ("nothing", nothing, None),
    ("drip-body", functools.partial(slow.drip_body, keyed=False), None),
    ("drip-body-keyed", functools.partial(slow.drip_body, keyed=True), None),
    ("drip-head", slow.drip_head, None),
    ("hold-bodies", functools.partial(slow.hold_bodies, keyed=False), None),
    ("hold-bodies-keyed", functools.partial(slow.hold_bodies, keyed=True), None),
    ("connections", functools.partial(slow.connections, many_peers=False), None),
    ("connections-peers", functools.partial(slow.connections, many_peers=True), None),
    ("connections-files", functools.partial(slow.connections, many_peers=True), 4096),
    ("connections-1024", functools.partial(slow.connections, many_peers=True), 1024),
    ("unread", functools.partial(slow.unread, path="/openapi.json"), None),
    ("unread-lists", functools.partial(slow.unread, path="/api/products?limit=100"), None),
    ("json", large.objects, None),
    ("violations", large.violations, None),
    ("lengths", large.lengths, None),
    ("chunks", large.tiny_chunks, None),
    ("pipelined", large.pipelined, None),
    ("breakers", lambda demo: large.many(demo, large.breaker_names()), None),
    ("keys", lambda demo: large.many(demo, large.idempotency_keys()), None),
    ("urls", lambda demo: large.many(demo, large.urls()), None),
    ("paths", lambda demo: large.many(demo, large.paths()), None),
    ("heads", malformed.heads, None),
)
# These start a server of their own, and no clock runs.
JUDGED = (
    ("doors", doors.every_start),
    ("log-full", lambda _: logs.unwritable(logs.full)),
    ("log-reader-gone", lambda _: logs.unwritable(logs.reader_gone)),
)
WIDTH = 130
HEADING = f"{'attack':18} {'peak':>5} {'end':>5} {'health':>7} {'client':>7} {'refused':>7} {'failed':>6} {'log':>6}  bounds"


def attack(_, run, demo):
    """Runs an attack to its end, in a process of its own, which may open as many files as it can get."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    try:
        return asyncio.run(asyncio.wait_for(run(demo), LONGEST))
    except Exception as error:  # The table goes on.
        traceback.print_exc()
        return [], [f"the attack itself failed: {error!r}"]


def measure(name, run, descriptors):
    """Prints one row of the table and what the attacker got. Returns whether all bounds were kept."""
    with Demo(descriptors=descriptors) as demo:
        watchers = [Side(health, demo.private, LONGEST + 60), Side(client, demo.address, LONGEST + 60)]
        time.sleep(CALM)
        lines, faults = Side(attack, run, demo, niceness=NICENESS).result()
        time.sleep(CALM)
        asked, used = (watcher.stop() for watcher in watchers)
        afterwards = Side(client, demo.address, 1.0).result()
        now, peak = demo.memory()
        status = demo.stop()
        logged = demo.logged()
    if used.failures:
        lines.append(f"the other client failed first by: {used.failures[0]}")
    if asked.failures:
        faults.append(f"health was not answered {len(asked.failures)} of {asked.answers} times, first: {asked.failures[0]}")
    if asked.slowest > HEALTH_MILLIS:
        faults.append(f"health took {asked.slowest:.0f} ms")
    if peak > MEMORY_LIMIT_MIB:
        faults.append(f"memory {peak:.0f} MiB")
    if afterwards.failures or afterwards.refused or not afterwards.answers:
        first = (afterwards.failures or ["refused"])[0]
        faults.append(f"afterwards others are not served: {first}")
    if status != 0:
        faults.append(f"exit status {status}")
    if "panicked" in logged:
        faults.append("a panic")
    print(f"{name:18} {peak:5.0f} {now:5.0f} {asked.slowest:7.1f} {used.slowest:7.1f} {used.refused:7} {len(used.failures):6} "
          f"{logged.count(chr(10)):6}  {'MISSED' if faults else 'kept'}")
    tell(lines, faults)
    return not faults


def judge(name, run):
    """The same where nothing is measured."""
    lines, faults = Side(attack, run, None, niceness=NICENESS).result()
    print(f"{name:18} {'':>50}  {'MISSED' if faults else 'kept'}")
    tell(lines, faults)
    return not faults


def tell(lines, faults):
    """What the attacker got, and what should not be."""
    for mark, texts in (("    ", lines), ("  ! ", faults)):
        for text in texts:
            print(textwrap.fill(text, WIDTH, initial_indent=mark, subsequent_indent="      "))
    sys.stdout.flush()


def main(arguments):
    """What scripts/abuse was asked for; returns the exit status."""
    known = [name for name, *_ in MEASURED + JUDGED]
    if arguments == ["list"]:
        print("\n".join(known))
        return 0
    if arguments[:1] == ["soak"]:
        minutes = arguments[1:] or ["45"]
        if len(minutes) != 1 or not minutes[0].isdigit() or not 1 <= int(minutes[0]) <= 600:
            return wrong(f"soak takes minutes from 1 to 600, not {' '.join(arguments[1:])}")
        return soak.run(int(minutes[0]), int(os.environ.get("SEED") or "1"))
    unknown = [name for name in arguments if name not in known]
    if unknown:
        return wrong(f"no attack is called {unknown[0]}; `scripts/abuse list` names them")

    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    print(f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}; the server may open {soft} files, or as its attack says")
    print("peak, end: MiB resident; health, client: slowest answer in ms; refused, failed: of that client; log: lines\n")
    print(HEADING)
    kept = True
    for name, run, descriptors in MEASURED:
        if not arguments or name in arguments:
            kept &= measure(name, run, descriptors)
    for name, run in JUDGED:
        if not arguments or name in arguments:
            kept &= judge(name, run)
    print(f"\n{'all bounds were kept' if kept else 'bounds were MISSED'}; load at the end {os.getloadavg()[0]:.1f}")
    return 0 if kept else 1


def wrong(what):
    """Says what is wrong with the arguments."""
    print(f"scripts/abuse: {what}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    # So that the server is stopped then too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    sys.exit(main(sys.argv[1:]))
