#!/usr/bin/env bash
# Installs what a bare Debian 12 lacks, by groups of need:
#
#   scripts/deps.sh build test        # any of: build test bench lint fuzz e2e lab
#
# Idempotent and quick: asks dpkg first and leaves apt alone when nothing is missing.
# Needs root or sudo only when something is missing. Installed services (redis-server, prometheus,
# containerd, etcd, nginx, haproxy, postgresql, nats-server) are neither started nor enabled: we start
# our own, on our own ports.
set -euo pipefail

packages=()
want() { packages+=("$@"); }

# A tool that may also come from somewhere else than Debian (nodesource, a CI image).
want_tool() {
  command -v "$1" >/dev/null 2>&1 || packages+=("${@:2}")
}

for group in "$@"; do
  case "$group" in
    build)
      want_tool cmake cmake
      want_tool ninja ninja-build
      want_tool g++ g++
      want_tool ccache ccache
      want_tool git git
      want_tool node nodejs
      want_tool npm npm
      want ca-certificates libboost-dev libyaml-cpp-dev prometheus-cpp-dev nlohmann-json3-dev \
        libcli11-dev libcpprest-dev libssl-dev zlib1g-dev
      ;;
    test)
      want libgtest-dev libgmock-dev
      want_tool openssl openssl
      want_tool promtool prometheus
      want_tool chromium chromium
      # scripts/go.sh, for helm
      want_tool go python3-venv
      ;;
    bench)
      want_tool redis-server redis-server
      want_tool openssl openssl
      want nats-server postgresql
      ;;
    lint)
      want clang-format-19 clang-tidy-19
      want_tool shellcheck shellcheck
      ;;
    fuzz) want clang-19 libclang-rt-19-dev ;;
    e2e)
      want_tool containerd containerd
      want_tool runc runc
      want_tool etcd etcd-server
      want_tool buildah buildah
      want_tool ip iproute2
      want_tool conntrack conntrack
      want_tool ethtool ethtool
      want_tool socat socat
      want_tool openssl openssl
      want_tool promtool prometheus
      want_tool go python3-venv # scripts/go.sh
      want_tool curl curl
      # the last two: images of the examples
      want containernetworking-plugins iptables postgresql repmgr
      ;;
    lab)
      want_tool redis-server redis-server
      want_tool redis-cli redis-tools
      want_tool nginx nginx-light
      want_tool haproxy haproxy
      want_tool setpriv util-linux
      want postgresql repmgr
      ;;
    *)
      echo "deps: unknown group '$group' (build test bench lint fuzz e2e lab)" >&2
      exit 2
      ;;
  esac
done

missing=()
for package in "${packages[@]}"; do
  status=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)
  [[ $status == installed ]] || missing+=("$package")
done
if ((${#missing[@]} == 0)); then
  exit 0
fi

sudo=()
if ((EUID != 0)); then
  if ! command -v sudo >/dev/null; then
    echo "deps: missing ${missing[*]}; run as root, or install sudo" >&2
    exit 1
  fi
  sudo=(sudo)
fi

echo "deps: installing ${missing[*]}"
# Keep freshly installed daemons from starting (the documented Debian way), and put back
# whatever policy was there.
policy=/usr/sbin/policy-rc.d
if [[ ! -e $policy ]]; then
  trap '"${sudo[@]}" rm -f "$policy"' EXIT
  printf '#!/bin/sh\nexit 101\n' | "${sudo[@]}" tee "$policy" >/dev/null
  "${sudo[@]}" chmod 755 "$policy"
fi
apt=("${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=600 -qq)
"${apt[@]}" update
log=$(mktemp)
if ! "${apt[@]}" install -y --no-install-recommends "${missing[@]}" </dev/null >"$log" 2>&1; then
  cat "$log" >&2
  exit 1
fi
rm -f "$log"

# The policy kept them from starting now; this keeps them from starting at the next boot, also
# where systemd is installed but does not run, as while an image is built.
if command -v systemctl >/dev/null; then
  for package in "${missing[@]}"; do
    case "$package" in
      redis-server | prometheus | containerd | haproxy | postgresql | nats-server)
        "${sudo[@]}" systemctl disable "$package" >/dev/null 2>&1 || true
        ;;
      nginx-light) "${sudo[@]}" systemctl disable nginx >/dev/null 2>&1 || true ;;
      repmgr) "${sudo[@]}" systemctl disable repmgrd >/dev/null 2>&1 || true ;;
      etcd-server) "${sudo[@]}" systemctl disable etcd >/dev/null 2>&1 || true ;;
    esac
  done
fi
