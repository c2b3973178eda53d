#!/usr/bin/env bash
# scripts/rootfs.sh FOLDER BINARY PATH: a root file system for one program, and nothing that it
# does not need: the binary, stripped, as PATH; its loader and shared libraries where they are
# here; the accounts root and nonroot (65532); /tmp. Used for every image of ours.
set -euo pipefail
rootfs=$1 binary=$2 path=$3

install -D -m 755 "$binary" "$rootfs$path"
strip --strip-unneeded "$rootfs$path" 2>/dev/null || true
while read -r library; do
  install -D -m 755 "$library" "$rootfs$library"
done < <(ldd "$binary" 2>/dev/null | grep -oE '/[^ )]+' | sort -u)

mkdir -p "$rootfs/etc" "$rootfs/tmp"
chmod 1777 "$rootfs/tmp"
printf 'root:x:0:0::/:/none\nnonroot:x:65532:65532::/:/none\n' >"$rootfs/etc/passwd"
printf 'root:x:0:\nnonroot:x:65532:\n' >"$rootfs/etc/group"
printf 'passwd: files\nhosts: files dns\n' >"$rootfs/etc/nsswitch.conf"
