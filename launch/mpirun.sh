#!/usr/bin/env bash
# N processes by Open MPI 4 or 5, the first of them on this host; once, without a second attempt:
#   bash launch/mpirun.sh N [OPTIONS OF MPIRUN ...] -- COMMAND ...
#
# EMOJAX_COORDINATOR=host:port names the first process where this host's first address, with a port
# chosen at random, is not what the others reach. Every process takes the GPU of its local rank.
# SIGTERM ends mpirun and the processes at once, and they resume from the last checkpoint later; to
# one of the processes, it makes all of them save, and mpirun ends with 75.
set -euo pipefail

if ! [[ ${1-} =~ ^[1-9][0-9]*$ ]]; then
  echo "mpirun.sh: N is the number of processes, not '${1-}'" >&2
  exit 2
fi
options=(-n "$1")
shift
while (($#)) && [[ $1 != -- ]]; do
  options+=("$1")
  shift
done
if (($# < 2)); then
  echo 'mpirun.sh: no command behind --' >&2
  exit 2
fi
shift

addresses=$(hostname -I)
export EMOJAX_COORDINATOR=${EMOJAX_COORDINATOR:-${addresses%% *}:$((20000 + RANDOM % 12000))}
# shellcheck disable=SC2016
exec mpirun "${options[@]}" -x EMOJAX_COORDINATOR bash -c '
  export EMOJAX_NUM_PROCESSES=$OMPI_COMM_WORLD_SIZE EMOJAX_PROCESS_ID=$OMPI_COMM_WORLD_RANK
  export JAX_LOCAL_DEVICE_IDS=${JAX_LOCAL_DEVICE_IDS:-$OMPI_COMM_WORLD_LOCAL_RANK}
  exec "$@"' mpirun.sh "$@"
