#!/usr/bin/env bash
# make e2e: builds what the cluster runs (cached), the images, boots a cluster of its own, runs the
# suite in its network, and takes everything down again, whatever happened.
#
#   e2e/e2e.sh [word...]              only the cases whose name has one of these words
#   CLUSTER=existing e2e/e2e.sh       on the cluster of the current kubeconfig; SIDECAR_IMAGE,
#                                     OPERATOR_IMAGE and APP_IMAGE name images that it can pull
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/npm.sh
source scripts/npm.sh

if [[ ${CLUSTER:-} == existing ]]; then
  : "${SIDECAR_IMAGE:?an image that the cluster can pull}" "${OPERATOR_IMAGE:?}" "${APP_IMAGE:?}"
  npm_install e2e/app
  HELM=$(scripts/helm.sh) exec node e2e/run.mjs "$@"
fi

started=$SECONDS
scripts/build.sh
e2e/cluster/build.sh
scripts/images.sh
echo "e2e: built ($((SECONDS - started))s)"
export CLUSTER_NAME=${CLUSTER_NAME:-socketmesh-e2e-$$}
runner=
trap '[[ -z $runner ]] || kill "$runner" 2>/dev/null || true; e2e/cluster/cluster.sh down' EXIT
trap 'exit 130' INT TERM
e2e/cluster/cluster.sh up --owner $$
# In the background, as a shell hears no signal while it waits for one in the foreground.
setpriv --pdeathsig TERM e2e/cluster/cluster.sh exec node e2e/run.mjs "$@" &
runner=$!
wait "$runner"
