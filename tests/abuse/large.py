"""Requests that are large, or cost much memory or work, or are many and all different."""

import asyncio
import itertools
import random

from wire import ATTACKER, Ends, drip, flood, get, peers, post

BODY = 10 << 20
# Of one attack by different names.
MANY = 20_000
MANY_SECONDS = 20
MANY_CONNECTIONS = 64


def repeated(part, size=BODY):
    """A JSON object of nearly so many bytes: one list of many times the same."""
    return b'{"name":[' + part * ((size - 100) // len(part)) + b"0]}"


def fields(number):
    """A JSON object of so many fields that no document has."""
    return b"{" + b",".join(b'"%x":0' % index for index in range(number)) + b"}"


async def objects(demo):
    """10 MiB of small values, in four shapes; three at a time of each."""
    lines, faults = [], []
    for name, part in (("zeros", b"0,"), ("lists", b"[],"), ("objects", b'{"":0},'), ("pairs", b'{"a":{}},')):
        ends, _ = await flood(demo.address, iter([post(repeated(part))] * 3), 3, 40)
        lines.append(f"{name}: {ends}; the server has {demo.memory()[0]:.0f} MiB")
        faults += [f"{name} were taken"] * (ends.count(201) > 0)
    return lines, faults


async def violations(demo):
    """A body of very many fields at fault; then a thousand of a thousand."""
    lines, faults = [], []
    for number, times in ((900_000, 1), (1_000, 1_000)):
        body = fields(number)
        ends, answered = await flood(demo.address, iter([post(body)] * times), 8, 40)
        ratio = answered / times / len(body)
        lines.append(f"{number} fields: {ends}; the answer has {ratio:.2f} times the bytes of the request")
        # A short answer to a short request may be longer than that.
        if answered / times > 64 << 10 and ratio > 1:
            faults.append(f"{number} violations are answered with {answered // times} bytes")
    return lines, faults


async def lengths(demo, keyed=b"Idempotency-Key: long\r\n"):
    """Heads that announce more than is taken, and nothing after them."""
    lines, faults = [], []
    for name, length in (("10 MiB + 1", BODY + 1), ("1 TiB", 1 << 40), ("2^64 - 1", (1 << 64) - 1), ("2^64", 1 << 64)):
        for about, extra in (("", b""), (" with a key", keyed)):
            head = post(b"", extra).replace(b"Content-Length: 0", b"Content-Length: %d" % length)
            outcome, seconds = await drip(demo.address, head, b"", 3.0, 2.5)
            lines.append(f"{name}{about}: {outcome} after {seconds:.1f} s")
            if outcome == "open" or seconds > 2:
                faults.append(f"a Content-Length of {name}{about} is not refused at once")
    return [", ".join(lines)], faults


async def many(demo, requests, addresses=(ATTACKER,)):
    """Sends requests that are all different, as fast as they are answered."""
    before = demo.memory()[0]
    ends, total = await flood(
        demo.address, itertools.islice(requests, MANY), MANY_CONNECTIONS, MANY_SECONDS, addresses)
    return [f"{ends.counts()}; {total >> 20} MiB of answers; memory {before:.0f} to {demo.memory()[0]:.0f} MiB"], []


def names(prefix=""):
    """Names that were never used before."""
    return (f"{prefix}{random.getrandbits(64):016x}" for _ in itertools.count())


def breaker_names():
    """Breakers that do not exist, read and forced."""
    force = b'{"state":"open"}'
    for name in names():
        yield get(f"/api/breakers/{name}")
        yield post(force, path=b"/api/breakers/" + name.encode(), method=b"PUT")


def idempotency_keys():
    """Requests whose answers are kept: a hundred faults each."""
    body = fields(100)
    return (post(body, b"Idempotency-Key: %s\r\n" % name.encode()) for name in names())


def urls():
    """Lists of a hundred products each, in an order of their own, and searches for what is not there."""
    for name in names():
        ids = random.sample(range(1, 201), 100)
        yield get("/api/products?ids=" + ",".join(map(str, ids)))
        yield get(f"/api/products/search?q={name}")


def paths():
    """Addresses that do not exist, methods too."""
    for name in names():
        yield get(f"/{name}")
        yield b"%s /api/users HTTP/1.1\r\nHost: %s.example\r\n\r\n" % (name[:10].upper().encode(), name.encode())


async def pipelined(demo, number=50, each=2_000, seconds=20):
    """Many requests in one go on each connection, all answers read."""
    ends, froms = Ends(), peers(number)
    ask = get("/api/users/1")

    async def one(peer):
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            reader, writer = await asyncio.wait_for(asyncio.open_connection(*demo.address, local_addr=(peer, 0)), 5)
        except (OSError, asyncio.TimeoutError):
            ends.add("not accepted", loop.time() - began)
            return
        writer.write(ask * each)
        answers, rest = 0, b""
        try:
            while answers < each and loop.time() - began < seconds:
                data = await asyncio.wait_for(reader.read(1 << 20), 5)
                if not data:
                    break
                answers += (rest + data).count(b"HTTP/1.1 ")
                # A status line may come in two parts.
                rest = (rest + data)[-8:]
        except (OSError, asyncio.TimeoutError):
            pass
        writer.transport.abort()
        ends.add("all answered" if answers >= each else "cut or late", loop.time() - began)

    await asyncio.gather(*(one(peer) for peer in froms))
    return [f"{number} times {each} requests: {ends}"], []


async def tiny_chunks(demo):
    """Bodies of 200 000 chunks of one byte, and one chunk whose extension has 1 MiB."""
    head = post(b"").split(b"Content-Length")[0] + b"Transfer-Encoding: chunked\r\n\r\n"
    chunks = b"1\r\n \r\n" * 200_000 + b"0\r\n\r\n"
    extension = b"1;" + b"a" * (1 << 20) + b"\r\n \r\n0\r\n\r\n"
    lines = []
    for name, body in (("chunks", chunks), ("extension", extension)):
        ends, _ = await flood(demo.address, iter([head + body] * 16), 8, 20)
        lines.append(f"{name}: {ends}")
    return lines, []
