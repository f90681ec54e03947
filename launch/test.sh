#!/usr/bin/env bash
# Sets up and runs the tests, two files at a time; arguments go to pytest.
set -euo pipefail
cd "$(dirname "$0")/.."
bash launch/setup.sh
.venv/bin/python -m pytest -n 2 --dist loadfile "$@"
