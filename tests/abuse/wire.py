"""Requests byte by byte, for attackers: nothing here keeps to more of HTTP than it has to."""

import asyncio
import socket
import struct
import sys
import time

ATTACKER = "127.0.1.1"
# A server that does not accept within this time has none to spare.
CONNECT_SECONDS = 5.0
IP_BIND_ADDRESS_NO_PORT = 24
# States of connections in /proc/net/tcp.
TIME_WAIT, LISTEN = "06", "0A"
JSON = b"Host: demo\r\nContent-Type: application/json\r\n"


def peers(number):
    """As many addresses of loopback, none of them a watcher's."""
    return [f"127.1.{index // 250}.{index % 250 + 1}" for index in range(number)]


class Ends:
    """How connections of an attacker ended, and when."""

    def __init__(self):
        self.seconds = {}

    def add(self, outcome, seconds):
        """Notes one."""
        self.seconds.setdefault(outcome, []).append(seconds)

    def count(self, outcome):
        """How many ended so."""
        return len(self.seconds.get(outcome, ()))

    def counts(self):
        """How many ended how, without the times."""
        seen = sorted(self.seconds.items(), key=lambda item: -len(item[1]))
        return ", ".join(f"{len(times)} x {outcome}" for outcome, times in seen) or "nothing"

    def __str__(self):
        def line(outcome, times):
            first, last = f"{min(times):.1f}", f"{max(times):.1f}"
            return f"{len(times)} x {outcome} after {first if first == last else f'{first} to {last}'} s"

        return ", ".join(line(*item) for item in sorted(self.seconds.items(), key=lambda item: -len(item[1]))) or "nothing"


async def connect(address, peer=ATTACKER, receive_buffer=None):
    """A socket from `peer`. It is reset when it is closed, so that no port stays taken."""
    sock = socket.socket()
    sock.setblocking(False)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.setsockopt(socket.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
    if receive_buffer:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    try:
        sock.bind((peer, 0))
        await asyncio.wait_for(asyncio.get_running_loop().sock_connect(sock, address), CONNECT_SECONDS)
        return sock
    except BaseException:
        sock.close()
        raise


def kept_for(address):
    """The addresses of clients for which the system of the server at `address` keeps a connection, closed ones with bytes unread too."""
    server = _hexadecimal(address)
    with open("/proc/net/tcp") as table:
        lines = [line.split() for line in table][1:]
    return {_plain(line[2]) for line in lines if line[1] == server and line[3] not in (TIME_WAIT, LISTEN)}


def _hexadecimal(address):
    host, port = address
    return f"{int.from_bytes(socket.inet_aton(host), sys.byteorder):08X}:{port:04X}"


def _plain(hexadecimal):
    host, port = hexadecimal.split(":")
    return socket.inet_ntoa(int(host, 16).to_bytes(4, sys.byteorder)), int(port, 16)


async def receive(sock, seconds):
    """The status of what comes: a number, `cut` where the server closed, or None where nothing came within `seconds`."""
    loop = asyncio.get_running_loop()
    try:
        data = await asyncio.wait_for(loop.sock_recv(sock, 65536), seconds)
    except asyncio.TimeoutError:
        return None
    except OSError:
        return "cut"
    return status(data)


def status(data):
    """The status in the first line of an answer."""
    words = data.split(b" ", 2)
    return int(words[1]) if data.startswith(b"HTTP/1") and len(words) > 1 and words[1].isdigit() else "cut"


async def drip(address, head, drop, every, seconds, peer=ATTACKER, body=b""):
    """Sends `head` and `body`, then `drop` again and again. Returns what became of it, and after how many seconds."""
    loop, began = asyncio.get_running_loop(), time.monotonic()

    def end(outcome):
        return outcome, time.monotonic() - began

    try:
        sock = await connect(address, peer)
    except (OSError, asyncio.TimeoutError):
        return end("not accepted")
    try:
        try:
            # A server that takes no more of it is one that holds the rest off.
            await asyncio.wait_for(loop.sock_sendall(sock, head + body), seconds)
            while time.monotonic() - began < seconds:
                answer = await receive(sock, every)
                if answer is not None:
                    return end(answer)
                await loop.sock_sendall(sock, drop)
        except asyncio.TimeoutError:
            pass
        except OSError:
            # It may have answered before it closed.
            return end(await receive(sock, 1.0) or "cut")
        return end("open")
    finally:
        sock.close()


async def exchange(reader, writer, request):
    """Sends a request and reads the whole answer: its status, its size in bytes, and whether the connection may be used again."""
    # Not waited for: the answer may come before all of it is sent.
    writer.write(request)
    first = await reader.readuntil(b"\r\n\r\n")
    head = first.lower()
    size, reusable = len(head), b"connection: close" not in head
    if b"content-length:" in head:
        length = int(head.split(b"content-length:")[1].split(b"\r\n")[0])
        while length > 0:
            part = await reader.read(min(length, 1 << 20))
            if not part:
                raise EOFError
            length -= len(part)
            size += len(part)
    elif b"transfer-encoding: chunked" in head:
        while length := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
            await reader.readexactly(length + 2)
            size += length
        await reader.readuntil(b"\r\n")
    return status(first), size, reusable


async def flood(address, requests, connections, seconds, addresses=(ATTACKER,)):
    """Sends `requests`, an iterator, one after the other on each of `connections`. Returns the ends and the bytes of answers."""
    ends, total, began = Ends(), 0, time.monotonic()

    async def one(peer):
        nonlocal total
        reader = writer = None
        while time.monotonic() - began < seconds:
            if (request := next(requests, None)) is None:
                break
            try:
                if writer is None:
                    reader, writer = await asyncio.wait_for(
                        asyncio.open_connection(*address, local_addr=(peer, 0)), CONNECT_SECONDS)
                outcome, size, reusable = await asyncio.wait_for(exchange(reader, writer, request), 60)
                total += size
            except (OSError, EOFError, asyncio.TimeoutError, asyncio.LimitOverrunError, ValueError):
                outcome, reusable = "cut", False
                # Do not spin where every connection is turned away.
                await asyncio.sleep(0.05)
            ends.add(outcome, time.monotonic() - began)
            if not reusable and writer:
                writer.transport.abort()
                writer = None
        if writer:
            writer.transport.abort()

    await asyncio.gather(*(one(addresses[index % len(addresses)]) for index in range(connections)))
    return ends, total


def post(body, headers=b"", path=b"/api/users", method=b"POST"):
    """A request with a whole JSON body."""
    return method + b" " + path + b" HTTP/1.1\r\n" + JSON + headers + b"Content-Length: %d\r\n\r\n" % len(body) + body


def get(path):
    """A request without one, for an answer that is compressed."""
    return b"GET " + path.encode() + b" HTTP/1.1\r\nHost: demo\r\nAccept-Encoding: gzip\r\n\r\n"
