#!/usr/bin/env bash
# A root and one leaf for all sidecars of the lab, in the folder named, unless they are there already.
# In earnest each pod has its own, of a day: the operator issues and rotates them.
set -euo pipefail

cd "$1"
[[ ! -s tls.crt ]] || exit 0
key=(-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes)
openssl req -x509 "${key[@]}" -days 365 -subj /CN=lab -keyout ca.key -out ca.crt 2>/dev/null
openssl req "${key[@]}" -subj /CN=sidecar \
  -addext subjectAltName=URI:spiffe://socketmesh.io/ns/default/mesh/lab -keyout tls.key -out leaf.csr 2>/dev/null
openssl x509 -req -in leaf.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 365 -copy_extensions copy \
  -out leaf.crt 2>/dev/null
# Sidecars run as 65532, and read nothing else here.
chmod 644 tls.key
rm ca.key leaf.csr
mv leaf.crt tls.crt
