#!/usr/bin/env bash
# N processes of one run on this machine, joined over loopback; needs bash 4 and no cluster:
#   bash launch/local.sh N [--restarts R] [--grace SECONDS] [--port P] -- COMMAND ...
#
# Every process gets EMOJAX_COORDINATOR, EMOJAX_NUM_PROCESSES, EMOJAX_PROCESS_ID and, unless they are
# set: JAX_LOCAL_DEVICE_IDS (a GPU of its own), NPROC (its share of the CPU cores, for XLA's
# threads). Its output comes out line by line behind [i].
#
# When one fails, the others get SIGTERM, and after the grace (10 s) SIGKILL; then all start again, R
# times at most (3). Status 75 of one, without a failure, means start me again: at once, uncounted.
# SIGTERM, SIGINT and SIGHUP to the launcher go to the processes (SIGHUP as SIGTERM); it waits for
# them and ends with 75, 130 or 129; a second one kills them. Otherwise the status is 0, or that of
# the process which failed first (128 + its signal). Nothing that a COMMAND started in its process
# group outlives it, or the launcher, kill -9 included.

say() { echo "local.sh: $*" >&2; }
wrong() { say "$1"; sed -n '3s/^# *//p' "$0" >&2; exit 2; }
is_number() { [[ $1 =~ ^(0|[1-9][0-9]{0,4})$ ]]; }

n=${1-} restarts=3 grace=10 port=''
{ is_number "$n" && ((n)); } || wrong "N is the number of processes, not '$n'"
shift
while (($#)) && [[ $1 != -- ]]; do
  [[ $1 =~ ^--(restarts|grace|port)$ ]] || wrong "no option is called '$1'; the command follows --"
  is_number "${2-}" || wrong "$1 wants a whole number, not '${2-}'"
  declare "${1#--}=$2"
  shift 2
done
(($# > 1)) || wrong 'no command behind --'
shift

cores=$(nproc)
export PYTHONUNBUFFERED=1 EMOJAX_NUM_PROCESSES=$n NPROC=${NPROC:-$((cores > n ? cores / n : 1))}
folder=$(mktemp -d) || exit 1
mkfifo "$folder/alive" "$folder/never"
exec 9<>"$folder/never"  # nothing is written here: reading it is a sleep that signals interrupt

# The launcher alone holds the writing end of `alive` (8). It writes the processes it has started;
# at its end, however that came, the watcher reads the end of the file and ends what is left.
(
  trap '' TERM INT HUP
  started=''
  while read -r line; do started=$line; done
  rm -rf "$folder"
  for pid in $started; do kill -s TERM "$pid" 2>/dev/null; done
  for ((i = 0; i < 10 * grace; i++)); do
    # shellcheck disable=SC2086
    kill -0 $started 2>/dev/null || break
    sleep 0.1
  done
  for pid in $started; do kill -s KILL -- "-$pid" 2>/dev/null; done
) <"$folder/alive" 9<&- &
exec 8>"$folder/alive"

asked='' insisted=''
ask() { [[ $asked ]] && insisted=1; asked=${asked:-$1}; }
trap 'ask TERM' TERM
trap 'ask INT' INT
trap 'ask HUP' HUP

is_taken() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# kill_all SIGNAL: to the processes that still run; SIGKILL also to what they started.
kill_all() {
  local i
  for i in "${!pids[@]}"; do
    if [[ $1 == KILL ]]; then kill -s KILL -- "-${pids[i]}"; else kill -s "$1" "${pids[i]}"; fi
  done 2>/dev/null
}

# Runs the processes once. `status`: 0; 75 if one ended so and none failed; or the first failure's.
run() {
  local at=$port i seds=() passed='' deadline='' ended
  status=0 pids=()
  if [[ ! $at ]]; then
    at=$((20000 + RANDOM % 12000))
    while is_taken "$at"; do at=$((20000 + RANDOM % 12000)); done
  elif is_taken "$at"; then
    say "port $at of 127.0.0.1 is in use; give another --port, or none"
    exit 2
  fi
  for ((i = 0; i < n; i++)); do
    mkfifo "$folder/$i"
    (trap '' TERM INT HUP; exec sed -u "s/^/[$i] /") <"$folder/$i" 8>&- 9<&- &
    seds+=($!)
    set -m  # the process leads a group of its own
    EMOJAX_COORDINATOR=127.0.0.1:$at EMOJAX_PROCESS_ID=$i \
      JAX_LOCAL_DEVICE_IDS=${JAX_LOCAL_DEVICE_IDS:-$i} \
      "$@" >"$folder/$i" 2>&1 </dev/null 8>&- 9<&- &
    pids[i]=$!
    set +m
    echo "${pids[@]}" >&8
  done

  while ((${#pids[@]})); do
    read -r -t 0.2 -u 9
    if [[ $insisted ]]; then
      kill_all KILL
    elif [[ $asked && ! $passed ]]; then
      passed=1
      say "SIG$asked is passed on; waits for the processes (a second one kills them)"
      kill_all "${asked/HUP/TERM}"
    elif [[ $deadline ]] && ((SECONDS >= deadline)); then
      say "kills what is left after $grace s"
      kill_all KILL
      deadline=''
    fi
    for i in "${!pids[@]}"; do
      kill -0 "${pids[i]}" 2>/dev/null && continue
      wait "${pids[i]}" 2>/dev/null
      ended=$?
      kill -s KILL -- "-${pids[i]}" 2>/dev/null
      unset "pids[i]"
      if ((ended == 0 || ended == 75)); then
        ((status)) || status=$ended
        continue
      fi
      if ((ended > 128)); then
        say "process $i was killed by signal $((ended - 128)) ($(kill -l "$ended"))"
      else
        say "process $i ended with status $ended"
      fi
      if ((status == 0 || status == 75)); then
        status=$ended
        if ((${#pids[@]})); then
          deadline=$((SECONDS + grace))
          [[ $asked ]] || kill_all TERM
        fi
      fi
    done
  done
  echo >&8
  for ((i = 0; i < 10; i++)); do  # the last lines; a daemon may hold the output open for ever
    kill -0 "${seds[@]}" 2>/dev/null && read -r -t 0.1 -u 9
  done
  kill -s KILL "${seds[@]}" 2>/dev/null
  rm -f "$folder"/[0-9]*
}

for ((failures = 0; ; )); do
  run "$@"
  case $asked in
    TERM) ((status)) && exit 75 ;;
    INT) ((status)) && exit 130 ;;
    HUP) ((status)) && exit 129 ;;
  esac
  case $status in
    0) exit 0 ;;
    75) say 'the processes saved and ask to be started again' ;;
    *)
      ((failures++ < restarts)) || exit "$status"
      say "starts all again, attempt $((failures + 1)) of $((restarts + 1))"
      ;;
  esac
done
