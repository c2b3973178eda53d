#!/usr/bin/env bash
# Container images without a registry or a base image: a binary, the shared libraries that it asks
# for, and nothing else, as OCI archives build/images/NAME.tar.
#
#   scripts/images.sh [pause|sidecar|operator|app]...     all by default
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

# image <name> <repository:tag> <root file system> <user> <entry point, JSON> [label...]
image() {
  local name=$1 tag=$2 rootfs=$3 user=$4 entry=$5 key container labels=() label
  shift 5
  key=$(cd "$rootfs" && find . -type f -print0 | sort -z | xargs -0 sha256sum |
    cat - <(printf '%s\n' "$tag" "$user" "$entry" "$@") | sha256sum | cut -d ' ' -f 1)
  if [[ -s $images/$name.tar && $(cat "$images/$name.key" 2>/dev/null) == "$key" ]]; then
    return
  fi
  for label in "$@"; do labels+=(--label "$label"); done
  container=$(buildah from scratch)
  buildah copy --quiet "$container" "$rootfs" / >/dev/null
  buildah config --user "$user" --entrypoint "$entry" --workingdir / "${labels[@]}" "$container"
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
    "org.opencontainers.image.title=$2" "org.opencontainers.image.version=$version" \
    "org.opencontainers.image.licenses=Apache-2.0"
}

pause() {
  mkdir -p "$work/pause"
  c++ -static -Os -s -o "$work/pause/pause" e2e/cluster/pause.cpp
  image pause localhost/pause:e2e "$work/pause" 65535:65535 '["/pause"]'
}

sidecar() { ours sidecar socketmesh-sidecar; }
operator() { ours operator socketmesh-operator; }

# The test app, and the clients' agent that drives it where the cluster is not on this machine.
app() {
  local rootfs=$work/app file
  [[ -e adapter/dist/index.mjs ]] || scripts/build.sh
  npm_install e2e/app
  scripts/rootfs.sh "$rootfs" "$(readlink -f "$(command -v node)")" /bin/node
  # Debian's node keeps some of its own modules outside the binary.
  while read -r file; do
    install -D -m 644 "$file" "$rootfs$file"
  done < <(node -p '(process.config.variables.node_builtin_shareable_builtins ?? []).join("\n")' |
    sed -n 's,^/,/,p')
  mkdir -p "$rootfs/app/node_modules/@socketmesh/adapter"
  cp e2e/app/*.mjs e2e/app/package.json tests/integration/support/dropin-peers.mjs "$rootfs/app/"
  (cd e2e/app/node_modules && find . -mindepth 1 -maxdepth 1 ! -name '.*' ! -name @socketmesh \
    -exec cp -rL {} "$rootfs/app/node_modules/" \;)
  cp -r adapter/dist adapter/package.json "$rootfs/app/node_modules/@socketmesh/adapter/"
  image app localhost/socketmesh-e2e-app:e2e "$rootfs" 65532:65532 '["/bin/node"]'
}

if (($# == 0)); then set -- pause sidecar operator app; fi
for name in "$@"; do
  case "$name" in
    pause | sidecar | operator | app) "$name" ;;
    *)
      echo "images: no image '$name' (pause sidecar operator app)" >&2
      exit 2
      ;;
  esac
done
