#!/usr/bin/env bash
# Runs the deployment on this machine, over loopback: PostgreSQL, Redis, a stand-in for S3, Dagster's daemon and two
# Celery workers. Kills the worker that is at work with SIGKILL and shows that the tables are those of an undisturbed
# run. Needs Debian's postgresql and redis-server, and the environment of `make test`. Leaves nothing behind.
#
#   deploy/celery/try.sh [NUMBER OF RELEASES]
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
project=$(cd "$here/../.." && pwd)
bin=$project/.venv/bin
number=${1:-60}
work=$(mktemp -d)
chmod 755 "$work"
started=()

say() { printf '%s  %s\n' "$(date +%T)" "$*"; }

finish() {
    status=$?
    for id in "${started[@]}"; do kill -TERM -- "-$id" 2>/dev/null || true; done
    sleep 1
    for id in "${started[@]}"; do kill -KILL -- "-$id" 2>/dev/null || true; done
    if [ "$status" -ne 0 ]; then tail -n 20 "$work"/*.log >&2 || true; fi
    rm -rf "$work"
    exit "$status"
}
trap finish EXIT

# start NAME COMMAND...: in a process group of its own, its number in $last
start() {
    local name=$1
    shift
    setsid "$@" >"$work/$name.log" 2>&1 &
    last=$!
    disown
    started+=("$last")
}

free_port() { "$bin/python" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

wait_for() { # wait_for SECONDS WHAT COMMAND...
    local seconds=$1 what=$2 end
    shift 2
    end=$((SECONDS + seconds))
    until "$@" >/dev/null 2>&1; do
        if [ "$SECONDS" -ge "$end" ]; then say "gave up waiting for $what"; exit 1; fi
        sleep 0.5
    done
}

programs=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | tail -n 1)
if [ -z "$programs" ] || ! command -v redis-server >/dev/null; then
    echo "needs PostgreSQL and Redis: apt-get install postgresql redis-server" >&2
    exit 1
fi

# PostgreSQL does not run as root.
as=()
mkdir "$work/database"
if [ "$(id -u)" -eq 0 ]; then
    chown nobody "$work/database"
    as=(runuser -u nobody --)
fi
port=$(free_port)
(cd / && "${as[@]}" "$programs/initdb" -D "$work/database/data" -U kzz -A trust >"$work/initdb.log")
start postgres "${as[@]}" "$programs/postgres" -D "$work/database/data" -h 127.0.0.1 -p "$port" -k "$work/database"
wait_for 30 PostgreSQL "$programs/pg_isready" -q -h 127.0.0.1 -p "$port"
export KZZ_DATABASE=postgresql+psycopg2://kzz@127.0.0.1:$port/postgres KZZ_CATALOGUE=postgresql+psycopg2://kzz@127.0.0.1:$port/postgres

port=$(free_port)
start redis redis-server --bind 127.0.0.1 --port "$port" --save "" --dir "$work"
wait_for 30 Redis redis-cli -p "$port" ping
export KZZ_BROKER=redis://127.0.0.1:$port/0 KZZ_BACKEND=redis://127.0.0.1:$port/1

port=$(free_port)
start store "$bin/python" -m moto.server -H 127.0.0.1 -p "$port"
export AWS_ENDPOINT_URL=http://127.0.0.1:$port AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test AWS_DEFAULT_REGION=us-east-1
wait_for 30 "the store" "$bin/python" -c 'import s3fs; s3fs.S3FileSystem().mkdir("kzz")'

mkdir "$work/home" "$work/raw" "$work/raw/2020"
cp "$here/dagster.yaml" "$work/home/dagster.yaml"
# Short, so that the trial is short: until the locks of a dead worker are taken over.
export KZZ_LOCK_SECONDS=10
# Of one version, whatever happens to the checkout meanwhile: releases are taken in again where the code changes.
mkdir "$work/code"
cp -r "$project/kzz_pipeline" "$project/workspace.yaml" "$work/code"
export PYTHONPATH=$here:$work/code
cd "$work"

say "$number releases, taken in undisturbed on a disk"
for at in $(seq "$number"); do
    sed "s/469\.37/469.$at/" "$project/data/raw/2020/kzz-key-projects.txt" >"raw/2020/release-$at.txt"
done
(unset KZZ_CATALOGUE; DAGSTER_HOME=$work/plain "$bin/kzz" run --raw raw --out "$work/curated" | tail -n 1)

export DAGSTER_HOME=$work/home KZZ_RAW=s3://kzz/raw KZZ_OUT=s3://kzz/curated KZZ_STATE=s3://kzz/state
"$bin/python" -c 'import s3fs; s3fs.S3FileSystem().put("raw", "kzz/", recursive=True)'

say "two workers and the daemon, whose sensor sees the releases in the store"
for name in one two; do
    start "worker-$name" "$bin/celery" -A dagster_celery.app worker -n "$name@%h" -c 1 --loglevel INFO
    eval "worker_$name=$last"
done
start daemon "$bin/dagster-daemon" run -m kzz_pipeline.definitions

"$bin/python" "$here/kill_at_work.py" "$work/worker-one.log" "$worker_one" "$worker_two"

say "waiting for the other worker"
wait_for 900 "the other worker" "$bin/python" "$here/is_done.py"
say "runs: $("$bin/python" "$here/is_done.py" --runs)"
"$bin/python" "$here/same_tables.py" "$work/curated" s3://kzz/curated
say "the tables are the same"
