#!/usr/bin/env bash
# Makes .venv if it is absent and installs launch/lock.txt into it; does nothing if that was done.
# Uses uv if there is one, else pip. PYTHON names the interpreter (3.11, 3.12 or 3.13) to take.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

fits() { "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null; }

wanted="$(cat launch/lock.txt setup.py pyproject.toml | cksum) $PWD"
stamp=.venv/installed
if [ "$(cat $stamp 2>/dev/null)" = "$wanted" ]; then
  exit 0
fi

if ! fits .venv/bin/python; then
  rm -rf .venv
  for python in "${PYTHON:-}" python3 python3.13 python3.12 python3.11 python; do
    if [ -n "$python" ] && fits "$python"; then found=$python; break; fi
  done
  if [ -z "${found:-}" ]; then
    echo "emojax needs Python 3.11, 3.12 or 3.13; none is on the PATH. Set PYTHON to one." >&2
    exit 1
  fi
  echo "making .venv with $("$found" --version)"
  if command -v uv >/dev/null && uv --version >/dev/null 2>&1; then
    uv venv --quiet --python "$("$found" -c 'import sys; print(sys.executable)')" .venv
  else
    "$found" -m venv .venv
  fi
fi

echo "installing $(wc -l < launch/lock.txt) locked packages into .venv (about 1.5 GB)"
if command -v uv >/dev/null && uv --version >/dev/null 2>&1; then
  uv pip install --quiet --python .venv/bin/python -r launch/lock.txt
  uv pip install --quiet --python .venv/bin/python --no-deps --editable .
else
  .venv/bin/python -m pip install --quiet --disable-pip-version-check -r launch/lock.txt
  .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
fi
echo "$wanted" > $stamp
