"""A log that cannot be written: the server goes on, and its end is as it would be."""

import asyncio
import os

from demo import Demo
from doors import ask
from wire import ATTACKER, connect, flood, get, post, receive


async def unwritable(take):
    """Serves with a standard error that `take` gives, is stopped in the midst of a request, and is to answer that."""
    log, close = take()
    faults = []
    with Demo({"RUST_LOG": "info"}, log=log) as demo:
        os.close(log)
        close()
        ends, _ = await flood(demo.address, iter([get(f"/api/users/{index % 100 + 1}") for index in range(500)]), 8, 20)
        if ends.count(200) != 500:
            faults.append(f"of 500 requests: {ends.counts()}")
        _, health = ask(demo.private, "GET", "/health", None, None)
        if "log" not in health.lower():
            faults.append("/health says nothing of the log")
        under_way = await begin(demo)
        demo.ask_to_stop()
        await asyncio.sleep(0.5)
        outcome = await finish(under_way)
        if outcome != 201:
            faults.append(f"the request under way ended with {outcome}")
        status = demo.stop()
        if status != 0:
            faults.append(f"the exit status is {status}")
    return [f"500 requests: {ends.counts()}; the one under way at the stop: {outcome}; exit status {status}"], faults


async def begin(demo):
    """Sends all of a request but its last byte; None where the server has gone."""
    user = b'{"business":1,"name":"Late","email":"late@works.example"}'
    try:
        sock = await connect(demo.address, ATTACKER)
    except (OSError, asyncio.TimeoutError):
        return None
    await asyncio.get_running_loop().sock_sendall(sock, post(user)[:-1])
    # Until the head is read there, nothing is under way.
    await asyncio.sleep(0.5)
    return sock


async def finish(sock):
    """Sends that byte, and reads the status."""
    if sock is None:
        return "not accepted"
    try:
        await asyncio.get_running_loop().sock_sendall(sock, b"}")
        return await receive(sock, 5) or "nothing"
    except OSError:
        return "cut"
    finally:
        sock.close()


def full():
    """A disk without room."""
    return os.open("/dev/full", os.O_WRONLY), lambda: None


def reader_gone():
    """A pipe without a reader."""
    reader, writer = os.pipe()
    return writer, lambda: os.close(reader)
