#!/usr/bin/env bash
# One command from a fresh machine to http://localhost:7860:
#
#   ./start_app.sh [--daemon] [options of the app: see ./start_app.sh --help]
#
# Fills .venv (only when requirements.txt changed), runs the app, and starts it again when it dies.
# --daemon does the last part in the background.
set -u
cd -- "$(dirname -- "${BASH_SOURCE[0]}")" || exit 1
source deploy/venv.sh

readonly BACKOFF_SECONDS=(1 2 5 15 60)
readonly STEADY_SECONDS=60 # who ran this long did not fail to start: the back-off begins anew
readonly MAX_LOG_BYTES=5000000

cache=${HEYGEM_CACHE_DIR:-${HOME:-/tmp}/.cache/heygem}
log=$cache/logs/startup.log
pid_file=$cache/heygem.pid
child=
stopping=    # this script was told to stop
interrupted= # ... since it last looked

# Background children of a script ignore SIGINT, so either signal is passed on as SIGTERM.
pass_on_stop() {
  stopping=yes interrupted=yes
  if [[ -n $child ]]; then kill -TERM "$child" 2>/dev/null; fi
}

# Runs "$@" as $child and gives its exit code; a signal to this script interrupts `wait`, not the child.
run_child() {
  local code
  "$@" &
  child=$!
  while :; do
    interrupted=
    wait "$child"
    code=$?
    if [[ -z $interrupted ]]; then break; fi
  done
  child=
  return "$code"
}

# Until the app ends well (0), refuses its settings (2), or this script is told to stop.
keep_running() {
  local code delay failures=0 started
  trap pass_on_stop TERM INT
  while :; do
    started=$SECONDS
    run_child .venv/bin/python app.py "$@"
    code=$?
    if [[ -n $stopping || $code -eq 0 || $code -eq 2 ]]; then return "$code"; fi
    if ((SECONDS - started >= STEADY_SECONDS)); then failures=0; fi
    delay=${BACKOFF_SECONDS[failures]}
    if ((failures < ${#BACKOFF_SECONDS[@]} - 1)); then failures=$((failures + 1)); fi
    heygem_say "the app ended with code $code; starting it again in $delay s ..."
    run_child sleep "$delay"
    if [[ -n $stopping ]]; then return 0; fi
  done
}

# The pid of a running daemon; a number left by a dead one may since belong to another program.
running_daemon() {
  local pid
  pid=$(cat "$pid_file" 2>/dev/null) && ps -p "$pid" -o args= 2>/dev/null | grep -q start_app && printf '%s' "$pid"
}

start_daemon() {
  (
    trap '' HUP
    keep_running "$@"
    code=$?
    rm -f "$pid_file"
    exit "$code"
  ) </dev/null >>"$log" 2>&1 &
  printf '%s\n' "$!" >"$pid_file"
  heygem_say "runs in the background; stop it with: kill $!"
  heygem_say "its output goes to $log, the app's own log lies beside it."
}

main() {
  local argument daemon='' pid
  for argument; do
    shift
    if [[ $argument == --daemon ]]; then daemon=yes; else set -- "$@" "$argument"; fi
  done

  if ! mkdir -p "$cache/logs"; then
    heygem_say "cannot write to $cache; set HEYGEM_CACHE_DIR to a folder it can write to."
    return 1
  fi
  if [[ -n $daemon ]] && pid=$(running_daemon); then
    heygem_say "already runs in the background; stop it with: kill $pid"
    return 1
  fi
  if [[ -f $log ]] && (($(wc -c <"$log") > MAX_LOG_BYTES)); then mv -f "$log" "$log.1"; fi
  exec > >(exec tee -i -a "$log") 2>&1

  heygem_say "starting ($(date '+%Y-%m-%d %H:%M:%S')) ..."
  heygem_make_venv .venv requirements.txt || return 1
  if [[ -n $daemon ]]; then start_daemon "$@"; else keep_running "$@"; fi
}

main "$@"
