# Makes the virtual environment of start_app.sh and tests/run.sh. Bash, to be sourced; safe under `set -euo pipefail`.
# shellcheck shell=bash

heygem_say() {
  printf 'heygem: %s\n' "$*" >&2
}

# Prints the command of a Python that runs HeyGem; fails with a sentence where there is none.
heygem_find_python() {
  local candidate
  for candidate in python3 python3.13 python3.12 python3.11; do
    if "$candidate" -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' \
      >/dev/null 2>&1; then
      printf '%s\n' "$candidate"
      return 0
    fi
  done
  heygem_say "needs Python 3.11, 3.12 or 3.13 with the venv module; install it (Debian, Ubuntu:" \
    "'apt-get install python3 python3-venv') and start again."
  return 1
}

heygem_has_nvidia_gpu() {
  nvidia-smi -L 2>/dev/null | grep -q '^GPU' || compgen -G '/dev/nvidia[0-9]*' >/dev/null
}

# heygem_make_venv DIR REQUIREMENTS...: DIR holds everything the requirement files name.
# A stamp in DIR remembers the files' content, so that nothing is run when nothing changed.
heygem_make_venv() {
  local venv=$1 build=cuda file python wanted=""
  shift
  if ! heygem_has_nvidia_gpu; then build=cpu; fi
  for file in "$@"; do
    wanted+="$build $(cksum <"$file")"$'\n'
  done
  if _heygem_venv_is_current "$venv" "$wanted"; then return 0; fi
  if ! _heygem_venv_is_usable "$venv" "$build"; then
    python=$(heygem_find_python) || return 1
    heygem_say "making a virtual environment in $venv with $("$python" --version) ..."
    "$python" -m venv --clear "$venv" || return 1
  fi
  rm -f "$venv/heygem.stamp"
  if [[ $build == cpu ]]; then _heygem_install_cpu_torch "$venv" "$@"; fi
  heygem_say "installing the packages of $* (minutes the first time) ..."
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check "${@/#/--requirement=}" || {
    heygem_say "pip could not install the packages; check the network and start again, what is installed is kept."
    return 1
  }
  printf '%s' "$wanted" >"$venv/heygem.stamp"
}

# Every wanted line is in the stamp: an environment made for more files serves for fewer.
_heygem_venv_is_current() {
  local venv=$1 line
  [[ -x $venv/bin/python && -f $venv/heygem.stamp ]] || return 1
  while read -r line; do
    grep -qxF "$line" "$venv/heygem.stamp" || return 1
  done < <(printf '%s' "$2")
}

# Usable as a base to install into: it runs, and does not hold PyTorch for another kind of machine.
_heygem_venv_is_usable() {
  local venv=$1 build=$2
  "$venv/bin/python" -m pip --version >/dev/null 2>&1 || return 1
  [[ ! -f $venv/heygem.stamp ]] || grep -q "^$build " "$venv/heygem.stamp"
}

# PyTorch's own index has a build without CUDA: 0.2 GB instead of 5. Where that index cannot be reached, the
# default one serves, so a failure here is only announced. Its dependencies come with the other packages.
_heygem_install_cpu_torch() {
  local venv=$1 torch
  shift
  torch=$(grep -hm1 '^torch==' "$@") || return 0
  heygem_say "no NVIDIA GPU here: fetching the CPU build of $torch ..."
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --timeout 5 --retries 0 \
    --index-url https://download.pytorch.org/whl/cpu "$torch" ||
    heygem_say "PyTorch's own index did not answer; $torch will come from the default index."
}
