#!/usr/bin/env bash
# scripts/rootfs-postgres.sh FOLDER: a root file system for one node of the lab's Postgres pair, of
# Debian's packages on this machine: what lab/postgres-reconnection/Dockerfile makes, without what
# such a node does not use. Of that LLVM alone, for the JIT compiler, is larger than all the rest.
set -euo pipefail
cd "$(dirname "$0")/.."
rootfs=$1
server=$(find /usr/lib/postgresql -mindepth 1 -maxdepth 1 | sort -V | tail -1)
share=/usr/share/postgresql/${server##*/}
from=lab/postgres-reconnection

program() { scripts/rootfs.sh "$rootfs" "$1" "$2"; }

# What node.sh calls, and the shell that initdb, pg_ctl and repmgr run commands with.
for name in bash sh env cat chmod cp dirname find mkdir rm sed sleep sort tail touch; do
  program "$(command -v "$name")" "/usr/bin/$name"
done
for name in postgres initdb pg_ctl pg_controldata pg_basebackup psql pg_isready repmgr repmgrd; do
  program "$server/bin/$name" "$server/bin/$name"
done
for name in plpgsql dict_snowball libpqwalreceiver repmgr; do
  program "$server/lib/$name.so" "$server/lib/$name.so"
done
ln -s usr/bin "$rootfs/bin"
# Debian has a wrapper in Perl here, which chooses a version.
for name in psql pg_isready; do ln -s "$server/bin/$name" "$rootfs/usr/bin/$name"; done

mkdir -p "$rootfs$share/extension" "$rootfs/usr/share/zoneinfo" "$rootfs/lab" "$rootfs/node"
find "$share" -mindepth 1 -maxdepth 1 ! -name extension ! -name man \
  -exec cp -rL {} "$rootfs$share/" \;
cp "$share"/extension/{plpgsql,repmgr}* "$rootfs$share/extension/"
cp "$from"/{node.sh,postgresql.conf,pg_hba.conf,schema.sql} "$rootfs/lab/"
# initdb wants to know who it is.
echo 'postgres:x:999:999::/node:/none' >>"$rootfs/etc/passwd"
echo 'postgres:x:999:' >>"$rootfs/etc/group"
