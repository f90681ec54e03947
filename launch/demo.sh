#!/usr/bin/env bash
# The main job from nothing: set up, generate a release in IEMOCAP's layout, build it, train, score.
# Everything it writes is under runs/demo; a second call goes on where the first one stopped.
set -euo pipefail
cd "$(dirname "$0")/.."
bash launch/setup.sh
export JAX_PLATFORMS=${JAX_PLATFORMS:-cpu}

.venv/bin/python -m data_builders.synthetic iemocap --out runs/demo/release --size small
.venv/bin/python -m data_builders.build iemocap --manual_dir runs/demo/release --data_dir runs/demo/data
.venv/bin/python -m emojax.main --config=configs/iemocap_mat.py:demo \
  --config.data.path=runs/demo/data --workdir=runs/demo/run
