"""A process of a run that several share: stops after some steps, goes on, and notes what it fed.

    python -m tests.train.one_of_several WORKDIR CONFIG_JSON STOPS_JSON [KILLED]

Stopped as often as STOPS_JSON says after how many questions; WORKDIR.fed_RANK then holds the rows
of every feed. With KILLED it runs to its end, but process 1 kills itself before feed KILLED of its
first life; WORKDIR.fed_RANK.LIFE holds the rows that were fed until then.
"""

import itertools
import json
import os
import pathlib
import signal
import sys

import jax
import numpy as np

from configs import iemocap_mat
from emojax.train import group_run, loop, processes, sharding


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


def live(workdir, changes, killed):
  """Runs to the end, if nothing happens to it."""
  mine = f'{workdir}.fed_{jax.process_index()}'
  life = next(n for n in itertools.count() if not os.path.exists(f'{mine}.{n}'))
  with open(f'{mine}.{life}', 'w') as out:

    class Noted:
      count = 0

      def append(self, rows):
        if jax.process_index() == 1 and life == 0 and self.count == killed:
          os.kill(os.getpid(), signal.SIGKILL)
        self.count += 1
        print(json.dumps(rows), file=out, flush=True)

    note_feeds(Noted())
    loop.train_and_evaluate(make_config(changes), workdir)


def main(workdir, changes, stops, killed=None):
  processes.start('on')
  if killed is not None:
    live(workdir, changes, killed)
    return
  noted = []
  note_feeds(noted)
  for questions in stops:
    try:
      loop.train_and_evaluate(make_config(changes), workdir, stop_after(questions))
      raise AssertionError('it was not stopped')
    except group_run.Stopped as stopped:
      print(stopped)
  pathlib.Path(f'{workdir}.fed_{jax.process_index()}').write_text(json.dumps(noted))


if __name__ == '__main__':
  main(sys.argv[1], *map(json.loads, sys.argv[2:]))
