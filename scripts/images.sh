#!/usr/bin/env bash
# Container images without a registry or a base image: a binary, the shared libraries that it asks
# for, and nothing else, as OCI archives build/images/NAME.tar.
#
#   scripts/images.sh [pause|sidecar|operator|app|lab-chat|lab-postgres]...     all by default
#
# An image whose content has not changed is kept. For images to publish see images/Dockerfile.*.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/npm.sh
source scripts/npm.sh

images=build/images
store=$PWD/build/buildah
version=$(sed -nE 's/.*VERSION ([0-9.]+).*/\1/p;T;q' CMakeLists.txt)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$images"

buildah() {
  command buildah --root "$store" --runroot "$store.run" --storage-driver vfs "$@"
}

# image <name> <repository:tag> <root file system> <user> <entry point, JSON> [option...]
# The options are those of `buildah config`.
image() {
  local name=$1 tag=$2 rootfs=$3 user=$4 entry=$5 key container
  shift 5
  key=$(cd "$rootfs" && find . -type f -print0 | sort -z | xargs -0 sha256sum |
    cat - <(printf '%s\n' "$tag" "$user" "$entry" "$@") | sha256sum | cut -d ' ' -f 1)
  if [[ -s $images/$name.tar && $(cat "$images/$name.key" 2>/dev/null) == "$key" ]]; then
    return
  fi
  container=$(buildah from scratch)
  buildah copy --quiet "$container" "$rootfs" / >/dev/null
  buildah config --user "$user" --entrypoint "$entry" --workingdir / "$@" "$container"
  rm -f "$images/$name.tar" "$images/$name.key"
  buildah commit --quiet --disable-compression "$container" \
    "oci-archive:$images/$name.tar:$tag" >/dev/null
  buildah rm "$container" >/dev/null
  echo "$key" >"$images/$name.key"
  echo "images: $tag: $(du -h "$images/$name.tar" | cut -f 1)"
}

# ours <name> <binary>: a binary of build/bin, at the root of its image.
ours() {
  local rootfs=$work/$1
  scripts/rootfs.sh "$rootfs" "build/bin/$2" "/$2"
  image "$1" "localhost/$2:e2e" "$rootfs" 65532:65532 "[\"/$2\"]" \
    --label "org.opencontainers.image.title=$2" \
    --label "org.opencontainers.image.version=$version" \
    --label "org.opencontainers.image.licenses=Apache-2.0"
}

pause() {
  mkdir -p "$work/pause"
  c++ -static -Os -s -o "$work/pause/pause" e2e/cluster/pause.cpp
  image pause localhost/pause:e2e "$work/pause" 65535:65535 '["/pause"]'
}

sidecar() { ours sidecar socketmesh-sidecar; }
operator() { ours operator socketmesh-operator; }

# node_rootfs <root file system>
node_rootfs() {
  local file
  scripts/rootfs.sh "$1" "$(readlink -f "$(command -v node)")" /bin/node
  # Debian's node keeps some of its own modules outside the binary.
  while read -r file; do
    install -D -m 644 "$file" "$1$file"
  done < <(node -p '(process.config.variables.node_builtin_shareable_builtins ?? []).join("\n")' |
    sed -n 's,^/,/,p')
}

# modules <package> <folder>: what the npm package needs, and the adapter as it would be installed.
modules() {
  local to=$2/node_modules
  [[ -e adapter/dist/index.mjs ]] || scripts/build.sh
  npm_install "$1"
  mkdir -p "$to/@socketmesh/adapter"
  (cd "$1/node_modules" && find . -mindepth 1 -maxdepth 1 ! -name '.*' ! -name @socketmesh \
    -exec cp -rL {} "$to/" \;)
  cp -r adapter/dist adapter/package.json "$to/@socketmesh/adapter/"
}

# The test app, and the clients' agent that drives it where the cluster is not on this machine.
app() {
  local rootfs=$work/app
  node_rootfs "$rootfs"
  modules e2e/app "$rootfs/app"
  cp e2e/app/*.mjs e2e/app/package.json tests/integration/support/dropin-peers.mjs "$rootfs/app/"
  image app localhost/socketmesh-e2e-app:e2e "$rootfs" 65532:65532 '["/bin/node"]'
}

# What lab/Dockerfile makes.
lab_chat() {
  local rootfs=$work/lab-chat
  node_rootfs "$rootfs"
  modules lab "$rootfs/src/lab"
  mkdir -p "$rootfs/src/demo"
  cp -r lab/chat lab/package.json "$rootfs/src/lab/"
  cp demo/{presence,input}.mjs "$rootfs/src/demo/"
  image lab-chat localhost/lab-chat:e2e "$rootfs" 1000:1000 \
    '["/bin/node", "/src/lab/chat/server.mjs"]' \
    --env CHAT_LISTEN=0.0.0.0:3000 --env CHAT_ADAPTER=socketmesh
}

# What lab/postgres-reconnection/Dockerfile makes.
lab_postgres() {
  local rootfs=$work/lab-postgres
  scripts/rootfs-postgres.sh "$rootfs"
  image lab-postgres localhost/lab-postgres:e2e "$rootfs" 999:999 '["/lab/node.sh"]' \
    --stop-signal SIGINT
}

if (($# == 0)); then set -- pause sidecar operator app lab-chat lab-postgres; fi
for name in "$@"; do
  case "$name" in
    pause | sidecar | operator | app | lab-chat | lab-postgres) "${name/-/_}" ;;
    *)
      echo "images: no image '$name' (pause sidecar operator app lab-chat lab-postgres)" >&2
      exit 2
      ;;
  esac
done
