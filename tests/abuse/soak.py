"""Abuse of all kinds at a low rate beside a normal load: whether memory grows, and whether the load notices."""

import asyncio
import random
import statistics
import time

import large
import malformed
import slow
from demo import MEMORY_LIMIT_MIB, Demo
from watch import Seen, Side, ask, connection, health, polite
from wire import connect, drip, flood, get, peers, post

SAMPLE_SECONDS = 5
CONNECTIONS = 8
# Between two requests of each connection of the normal load.
PAUSE = 0.1
# Between two acts of abuse, on average.
ABUSE_EVERY = 0.5
AT_ONE_TIME = 100
PEERS = peers(200)
RATIO = 1.05
HEALTH_MILLIS = 100


def run(minutes, seed):
    """Soaks for so long, and prints what came of it; returns the exit status."""
    seconds = minutes * 60
    print(f"{minutes} minutes, seed {seed}; a line each minute", flush=True)
    with Demo() as demo:
        asyncio.run(fill(demo))
        print(f"   0 min  {demo.memory()[0]:6.1f} MiB: what is bounded is full", flush=True)
        asking = Side(health, demo.private, seconds + 60)
        loads = [Side(load, demo.address, seconds, index) for index in range(CONNECTIONS)]
        abusing = Side(abuse, demo, seconds, seed, niceness=10)
        memory, began = [], time.monotonic()
        while (passed := time.monotonic() - began) < seconds:
            time.sleep(max(0.0, min(SAMPLE_SECONDS * (len(memory) + 1), seconds) - passed))
            memory.append(demo.memory()[0])
            if len(memory) % (60 // SAMPLE_SECONDS) == 0:
                minute = len(memory) * SAMPLE_SECONDS // 60
                print(f"{minute:4} min  {memory[-1]:6.1f} MiB  {demo.descriptors()} files", flush=True)
        asked, acts = asking.stop(), abusing.stop()
        used = [side.stop() for side in loads]
        peak, status = demo.memory()[1], demo.stop()
    return report(memory, peak, asked, used, acts, status)


async def fill(demo):
    """Fills what is bounded by bytes or by number, so that what grows afterwards is none of it: answers by idempotency key, which
    take 64 MiB at most, and responses in the cache."""
    for requests in (large.idempotency_keys(), large.idempotency_keys(), large.urls()):
        await large.many(demo, requests)


def report(memory, peak, asked, used, acts, status):
    """Prints the figures; returns the exit status."""
    third = len(memory) // 3
    thirds = [memory[:third], memory[third:2 * third], memory[2 * third:]]
    print("\nresident MiB      median      mean       max")
    for name, part in zip(("first third", "second third", "last third"), thirds):
        print(f"{name:14} {statistics.median(part):9.1f} {statistics.mean(part):9.1f} {max(part):9.1f}")
    ratio = statistics.median(thirds[2]) / statistics.median(thirds[1])
    failures = [failure for seen in used for failure in seen.failures] + ["refused"] * sum(seen.refused for seen in used)
    requests = sum(seen.answers for seen in used)
    print(f"\nlast third / second third   {ratio:.3f} (at most {RATIO})")
    slowest = max(seen.slowest for seen in used)
    print(f"normal load                 {requests} requests, {len(failures)} errors, slowest {slowest:.0f} ms")
    print(f"health                      {asked.answers} times, {len(asked.failures)} not answered, slowest {asked.slowest:.0f} ms")
    print(f"peak memory                 {peak:.0f} MiB; exit status {status}")
    print("abuse                       " + ", ".join(f"{name} {number}" for name, number in sorted(acts.items())))
    for failure in sorted(set(failures))[:10]:
        print(f"  ! {failures.count(failure)} x {failure}")
    kept = (ratio <= RATIO and not failures and not asked.failures and asked.slowest <= HEALTH_MILLIS
            and peak <= MEMORY_LIMIT_MIB and status == 0)
    print("all bounds were kept" if kept else "bounds were MISSED")
    return 0 if kept else 1


def load(stopping, address, seconds, index):
    """One connection of the normal load."""
    seen, end, peer, number = Seen(), time.monotonic() + seconds, f"127.0.2.{index + 1}", index * 1_000_000
    link = connection(address, peer)
    while not stopping.is_set() and time.monotonic() < end:
        number += 1
        began = time.perf_counter()
        outcome = ask(link, *polite(number))
        seen.add(began, outcome)
        stopping.wait(PAUSE)
    link.close()
    return seen


def abuse(stopping, demo, seconds, seed):
    """Draws one act after the other until the end; returns how many of each."""
    return asyncio.run(draw(stopping, demo, seconds, random.Random(seed)))


async def draw(stopping, demo, seconds, rng):
    """The same."""
    counts, under_way, end = {}, set(), time.monotonic() + seconds
    while not stopping.is_set() and time.monotonic() < end:
        await asyncio.sleep(rng.expovariate(1 / ABUSE_EVERY))
        if len(under_way) >= AT_ONE_TIME:
            continue
        act = rng.choice(ACTS)
        counts[act.__name__] = counts.get(act.__name__, 0) + 1
        task = asyncio.ensure_future(act(demo, rng, rng.choice(PEERS)))
        under_way.add(task)
        task.add_done_callback(under_way.discard)
    for task in under_way:
        task.cancel()
    await asyncio.gather(*under_way, return_exceptions=True)
    return counts


async def drips_body(demo, rng, peer):
    """With a key half of the time."""
    head = slow.SLOW_HEAD + slow.key(rng.random() < 0.5, rng.getrandbits(32)) + b"Content-Length: 1000\r\n\r\n{"
    await drip(demo.address, head, b" ", 1.0, 45, peer)


async def drips_head(demo, _, peer):
    """A byte a second."""
    await drip(demo.address, b"GET / HTTP/1.1\r\nHost: demo\r\nX: ", b"a", 1.0, 45, peer)


async def holds_body(demo, rng, peer):
    """Of 1 to 10 MiB."""
    size = rng.randint(1, 10) << 20
    head = slow.SLOW_HEAD + slow.key(rng.random() < 0.5, rng.getrandbits(32)) + b"Content-Length: %d\r\n\r\n" % size
    await drip(demo.address, head, b"a", 1.0, 30, peer, b'{"name":"' + b"a" * (size - 4096))


async def does_not_read(demo, _, peer):
    """Two hundred large answers."""
    try:
        sock = await connect(demo.address, peer, receive_buffer=4096)
    except (OSError, asyncio.TimeoutError):
        return
    try:
        await asyncio.wait_for(asyncio.get_running_loop().sock_sendall(sock, get("/openapi.json") * 200), 5)
        await asyncio.sleep(45)
    except (OSError, asyncio.TimeoutError):
        pass
    finally:
        sock.close()


async def connects(demo, _, peer):
    """A hundred times at once, and says nothing."""
    await slow.together(100, lambda _: drip(demo.address, b"", b"", 5.0, 15, peer))


async def goes_away(demo, _, peer):
    """In the midst of its request."""
    await drip(demo.address, post(b"{" * 1000, b"Idempotency-Key: away\r\n")[:-500], b"", 0.1, 0.1, peer)


async def sends(demo, peer, requests):
    """What there is no slowness in."""
    await flood(demo.address, iter(requests), 1, 60, [peer])


async def sends_objects(demo, rng, peer):
    """A megabyte of them; ten now and then."""
    await sends(demo, peer, [post(large.repeated(b'{"":0},', 10 << 20 if rng.random() < 0.1 else 1 << 20))])


async def sends_faults(demo, _, peer):
    """Ten thousand fields that no document has."""
    await sends(demo, peer, [post(large.fields(10_000))])


async def asks_for_names(demo, _, peer):
    """Names of all kinds that are not there."""
    for requests in (large.breaker_names(), large.urls(), large.paths(), large.idempotency_keys()):
        await sends(demo, peer, [next(requests) for _ in range(20)])


async def is_malformed(demo, rng, peer):
    """One of the cases."""
    await drip(demo.address, rng.choice(list(malformed.REFUSED.values())), b"", 3.0, 2.5, peer)


ACTS = (drips_body, drips_head, holds_body, does_not_read, connects, goes_away, sends_objects, sends_faults, asks_for_names,
        is_malformed)
