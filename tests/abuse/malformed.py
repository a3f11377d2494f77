"""Requests that HTTP does not admit, and the bound of heads."""

from wire import drip, post

OK = b"GET /api/users/1 HTTP/1.1\r\n"
END = b"Connection: close\r\n\r\n"
HOST = b"Host: demo\r\n"


def long_head(size):
    """A whole head of so many bytes, in lines of 1 000."""
    room = size - len(OK + HOST + END)
    lines = b"".join(b"X-%04d: %s\r\n" % (index, b"a" * 990) for index in range(room // 1_000))
    rest = room - len(lines)
    return OK + HOST + lines + (b"Y: " + b"a" * (rest - 5) + b"\r\n" if rest > 5 else b"") + END


def lines(number):
    """A head of so many lines besides Host and Connection."""
    return OK + HOST + b"".join(b"X-%d: a\r\n" % index for index in range(number)) + END


ADMITTED = {
    "a head of 16 KiB": long_head(16 << 10),
    "50 lines": lines(50),
    "HTTP/1.0 without Host": b"GET /api/users/1 HTTP/1.0\r\n\r\n",
    "the absolute form": b"GET http://demo/api/users/1 HTTP/1.1\r\n" + HOST + END,
}
REFUSED = {
    "a head of 34 KiB": long_head(34 << 10),
    "a head of 40 000 bytes": long_head(40_000),
    "a head of 64 KiB": long_head(64 << 10),
    "a head of 1 MiB": long_head(1 << 20),
    "a line of 60 KiB": OK + HOST + b"X: " + b"a" * (60 << 10) + b"\r\n" + END,
    "a path of 60 KiB": b"GET /" + b"a" * (60 << 10) + b" HTTP/1.1\r\n" + HOST + END,
    "150 lines": lines(150),
    "5 000 lines": lines(5_000),
    "no Host": OK + END,
    "two Hosts": OK + HOST + b"Host: other\r\n" + END,
    "the same Host twice": OK + HOST + HOST + END,
    "a Host with a space": OK + b"Host: a b\r\n" + END,
    "a Host with a path": OK + b"Host: demo/path\r\n" + END,
    "a Host with a user": OK + b"Host: root@demo\r\n" + END,
    "a Host with a port that is none": OK + b"Host: demo:http\r\n" + END,
    "no Host, and the absolute form": b"GET http://demo/api/users/1 HTTP/1.1\r\n" + END,
    "a space before the colon": OK + HOST + b"X : a\r\n" + END,
    "a NUL in a value": OK + HOST + b"X: a\0b\r\n" + END,
    "a lone CR in a value": OK + HOST + b"X: a\rb\r\n" + END,
    "two Content-Lengths": post(b"{}", b"Content-Length: 5\r\n"),
    "a Content-Length with a sign": post(b"{}").replace(b"Length: 2", b"Length: +2"),
    "a Content-Length below zero": post(b"{}").replace(b"Length: 2", b"Length: -2"),
    "a coding that is not known": post(b"").replace(b"Content-Length: 0", b"Transfer-Encoding: gzip"),
    "a chunk size that is none": post(b"").replace(b"Content-Length: 0", b"Transfer-Encoding: chunked") + b"g\r\n",
    "HTTP/3.7": b"GET /api/users/1 HTTP/3.7\r\n" + HOST + END,
    "the preface of HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "the hello of TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 400,
    "a megabyte of noise": b"\xff\xfe\xfd" * 350_000,
}


async def heads(demo):
    """Each case once: what must pass, and what must not."""
    told, faults = {}, []
    for cases, passes in ((ADMITTED, True), (REFUSED, False)):
        for name, request in cases.items():
            outcome, _ = await drip(demo.address, request, b"", 3.0, 2.5)
            told.setdefault(str(outcome), []).append(name)
            # One that asks for more, or is closed without a word, lets nothing through either.
            if (outcome == 200) != passes or (outcome == "open") or (isinstance(outcome, int) and outcome >= 502):
                faults.append(f"{name}: {outcome}")
    return [f"{outcome}: {'; '.join(names)}" for outcome, names in sorted(told.items())], faults
