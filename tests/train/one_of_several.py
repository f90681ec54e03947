"""A process of a run that several share: stops after some steps, goes on, and notes what it fed.

    python -m tests.train.one_of_several WORKDIR CONFIG_JSON STOPS_JSON

Stopped as often as STOPS_JSON says after how many questions; WORKDIR.fed_RANK then holds the rows
of every feed.
"""

import json
import pathlib
import sys

import jax
import numpy as np

from configs import iemocap_mat
from emojax.train import loop, processes, sharding


def note_feeds(noted):
  """Appends the rows [M, b] of every feed from now on."""
  feed = sharding.Placement.feed

  def noting(self, tree):
    noted.append(np.asarray(tree.row).tolist())
    return feed(self, tree)

  sharding.Placement.feed = noting


def make_config(changes):
  config = iemocap_mat.get_config('tiny')
  config.batch.size = 16
  config.checkpoint.every_seconds = 0.0
  config.update_from_flattened_dict(changes)
  return config


def stop_after(questions):
  """Says no `questions` times, then yes."""
  answers = iter([False] * questions)
  return lambda: next(answers, True)


def main(workdir, changes, stops):
  processes.start('on')
  noted = []
  note_feeds(noted)
  for questions in stops:
    try:
      loop.train_and_evaluate(make_config(changes), workdir, stop_after(questions))
      raise AssertionError('it was not stopped')
    except loop.Stopped as stopped:
      print(stopped)
  pathlib.Path(f'{workdir}.fed_{jax.process_index()}').write_text(json.dumps(noted))


if __name__ == '__main__':
  main(sys.argv[1], *map(json.loads, sys.argv[2:]))
