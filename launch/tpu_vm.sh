#!/usr/bin/env bash
# The same command on every host of a Cloud TPU slice, where the repository lies in ~/emojax:
#   bash launch/tpu_vm.sh TPU_NAME ZONE COMMAND ...
#
# COMMAND runs in ~/emojax; it has to be one of emojax's programs, as --distributed=on is added (jax
# then finds the hosts by itself). The status is that of gcloud. To go on after a stop or a loss,
# call it again; a preempted slice has to be made anew first.
set -euo pipefail

if (($# < 3)); then
  echo 'tpu_vm.sh: TPU_NAME ZONE COMMAND ...' >&2
  exit 2
fi
name=$1 zone=$2
shift 2
printf -v command '%q ' "$@" --distributed=on
exec gcloud compute tpus tpu-vm ssh "$name" --zone="$zone" --worker=all \
  --command="cd emojax && exec $command"
