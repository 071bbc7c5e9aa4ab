#!/usr/bin/env bash
# Copies what cannot be made again: raw files and decisions, the catalogue, the bytes of every release ever read, and
# replaced versions. Then the published tables, which can be, but not at once.
#
#   KZZ_RAW=… KZZ_OUT=… DAGSTER_HOME=… deploy/single/backup.sh /backup/kzz
#
# Restore: copy the folders back, and run `kzz run`: it publishes what is missing.
set -euo pipefail
to=${1:?the folder to copy into}
: "${KZZ_RAW:?}" "${KZZ_OUT:?}" "${DAGSTER_HOME:?}"
mkdir -p "$to/home/kzz"
# While it is in use: SQLite's own copy is of one moment.
python3 - "$DAGSTER_HOME/kzz/catalogue.sqlite" "$to/home/kzz/catalogue.sqlite.new" <<'PYTHON'
import sqlite3
import sys

source, target = (sqlite3.connect(path) for path in sys.argv[1:3])
with target:
    source.backup(target)
PYTHON
mv "$to/home/kzz/catalogue.sqlite.new" "$to/home/kzz/catalogue.sqlite"
copy() { mkdir -p "$2"; cp -a --update "$1/." "$2/"; }
copy "$KZZ_RAW" "$to/raw"
if [ -f "$KZZ_RAW/../corrections.yml" ]; then cp -a "$KZZ_RAW/../corrections.yml" "$to/"; fi
copy "$DAGSTER_HOME/kzz/bytes" "$to/home/kzz/bytes"
for versions in "$DAGSTER_HOME"/kzz/*/versions; do
    if [ -d "$versions" ]; then copy "$versions" "$to/home/${versions#"$DAGSTER_HOME"/}"; fi
done
if [ -f "$DAGSTER_HOME/dagster.yaml" ]; then cp -a "$DAGSTER_HOME/dagster.yaml" "$to/home/"; fi
# Under the writer's lock, so that no release is half of one version and half of another.
rm -rf "$to/curated.new"
mkdir -p "$to/curated.new"
flock "$KZZ_OUT/.lock" cp -a "$KZZ_OUT/." "$to/curated.new/"
rm -rf "$to/curated"
mv "$to/curated.new" "$to/curated"
