"""Clients that are slow, or many, or do not read."""

import asyncio
import resource

from wire import JSON, Ends, connect, drip, get, kept_for, peers

SLOW_HEAD = b"POST /api/users HTTP/1.1\r\n" + JSON
BODY = 10 << 20
# Of a body that is held back.
MISSING = 4096


async def together(number, one, gap=0.0):
    """Runs `one(index)` for each index up to `number`, all at one time, each begun `gap` seconds after the last. Notes their ends."""
    ends = Ends()

    async def noted(index):
        await asyncio.sleep(index * gap)
        ends.add(*await one(index))

    await asyncio.gather(*(noted(index) for index in range(number)))
    return ends


def key(keyed, index):
    """A head line, where there is to be one."""
    return b"Idempotency-Key: slow-%d\r\n" % index if keyed else b""


async def drip_body(demo, keyed, number=1_200, seconds=45):
    """One byte a second of bodies of 1 000, from many addresses."""
    froms = peers(400)
    head = [SLOW_HEAD + key(keyed, index) + b"Content-Length: 1000\r\n\r\n{" for index in range(number)]
    ends = await together(number, lambda index: drip(demo.address, head[index], b" ", 1.0, seconds, froms[index % 400]), 0.001)
    return [str(ends)], never_ends(ends)


async def drip_head(demo, number=1_000, seconds=25):
    """One byte a second of heads, from one address."""
    head = b"GET /api/users/1 HTTP/1.1\r\nHost: demo\r\nX-Slow: "
    ends = await together(number, lambda _: drip(demo.address, head, b"a", 1.0, seconds), 0.001)
    return [str(ends)], never_ends(ends)


async def hold_bodies(demo, keyed, number=80, seconds=45):
    """Bodies of 10 MiB, all but the last 4 KiB of each, which comes a byte a second."""
    froms = peers(number)
    body = b'{"name":"' + b"a" * (BODY - MISSING)

    def one(index):
        head = SLOW_HEAD + key(keyed, index) + b"Content-Length: %d\r\n\r\n" % BODY
        return drip(demo.address, head, b"a", 1.0, seconds, froms[index], body)

    ends = await together(number, one, 0.02)
    return [str(ends)], never_ends(ends)


async def connections(demo, many_peers, number=10_000, seconds=40):
    """Connections that begin a body each, and add a byte every five seconds."""
    number = min(number, resource.getrlimit(resource.RLIMIT_NOFILE)[0] - 200)
    froms = peers(1_000) if many_peers else peers(1)
    head = SLOW_HEAD + b"Content-Length: 1000\r\n\r\n{"
    most = 0

    async def count():
        nonlocal most
        while True:
            most = max(most, demo.descriptors())
            await asyncio.sleep(1)

    counting = asyncio.ensure_future(count())
    ends = await together(number, lambda index: drip(demo.address, head, b" ", 5.0, seconds, froms[index % len(froms)]), 0.0003)
    counting.cancel()
    return [str(ends), f"at most {most} files open in the server"], []


async def unread(demo, path, number=200, seconds=45):
    """Clients that ask 2 000 times in one go and read nothing."""
    froms = peers(number)
    asked = get(path).replace(b"Accept-Encoding: gzip\r\n", b"") * 2_000
    loop = asyncio.get_running_loop()
    kept = set()

    async def look():
        nonlocal kept
        while True:
            await asyncio.sleep(0.5)
            kept = kept_for(demo.address)

    async def one(index):
        began = loop.time()
        try:
            sock = await connect(demo.address, froms[index], receive_buffer=4096)
        except (OSError, asyncio.TimeoutError):
            return "not accepted", loop.time() - began
        try:
            try:
                await asyncio.wait_for(loop.sock_sendall(sock, asked), 5)
            except asyncio.TimeoutError:
                pass
            except OSError:
                return "cut", loop.time() - began
            # The client does not read, so it is not told: what counts is whether the server's system still keeps anything for it.
            await asyncio.sleep(1.5)
            while loop.time() - began < seconds:
                if sock.getsockname() not in kept:
                    return "cut", loop.time() - began
                await asyncio.sleep(0.5)
            return "open", loop.time() - began
        finally:
            sock.close()

    looking = asyncio.ensure_future(look())
    ends = await together(number, one, 0.005)
    looking.cancel()
    return [str(ends)], never_ends(ends)


def never_ends(ends):
    """The fault where a connection outlives the attack."""
    open_still = ends.count("open")
    return [f"{open_still} connections are never cut off"] if open_still else []
