"""Generated releases: drawn from the pinned model, spelled as released, whole or absent.

Expected values are typed by hand: counts from the published descriptions of the corpora, the best
accuracies from the tables in the design.
"""

import collections
import functools
import json
import pathlib
import re

import numpy as np
import pytest
import soundfile

from data_builders import synthetic
from data_builders.corpora import parallel
from data_builders.synthetic import __main__ as program
from data_builders.synthetic import (
  cues,
  emodb,
  iemocap,
  iemocap_plan,
  raters,
  release,
  sentences,
  voice,
)

CODES = dict(
  Neutral='neu', Happiness='hap', Excited='exc', Sadness='sad', Anger='ang',
  Frustration='fru', Surprise='sur', Fear='fea', Disgust='dis', Other='oth',
)  # fmt: skip


@pytest.fixture(scope='module')
def root(tmp_path_factory) -> pathlib.Path:
  return iemocap.write(tmp_path_factory.mktemp('a'), seed=3, size='tiny')


@functools.cache
def full_plan() -> list[iemocap_plan.Dialogue]:
  return iemocap_plan.plan(0, 'full')


def content(folder: pathlib.Path) -> dict[str, bytes]:
  paths = (p for p in folder.rglob('*') if p.is_file())
  return {str(p.relative_to(folder)): p.read_bytes() for p in paths}


# The model


def test_best_accuracies_are_those_of_the_design():
  best = cues.every_best_accuracy(cues.PRIOR)
  expected = {'text': 0.70, 'audio': 0.66, 'text+audio': 0.865, 'text+audio+video': 0.887}
  assert {k: round(best[k], 3) for k in expected} == expected
  assert best['chance'] == 0.31
  assert len(best) == 8


def test_best_accuracy_is_what_the_ideal_observer_reaches_on_drawn_utterances():
  rng = np.random.default_rng(0)
  prior = np.array([0.31, 0.29, 0.20, 0.20])  # neu hap sad ang
  text = np.array([[70, 24, 3, 3], [24, 70, 3, 3], [3, 3, 70, 24], [3, 3, 24, 70]]) / 100
  audio = np.array([[66, 4, 26, 4], [4, 66, 4, 26], [26, 4, 66, 4], [4, 26, 4, 66]]) / 100
  y = rng.choice(4, 200_000, p=prior)
  heard, read = (
    (rng.random((len(y), 1)) > table.cumsum(1)[y]).sum(1).clip(max=3) for table in (audio, text)
  )
  posterior = prior * text.T[read] * audio.T[heard]
  accuracy = np.mean(posterior.argmax(1) == y)
  assert cues.every_best_accuracy(cues.PRIOR)['text+audio'] == pytest.approx(accuracy, abs=0.004)


def test_cues_are_drawn_by_the_table_and_evenly_for_a_class_outside_it():
  rng = np.random.default_rng(0)
  sad = collections.Counter(cues.draw(cues.TABLES['audio'], 'sad', rng) for _ in range(4000))
  assert sad['sad'] / 4000 == pytest.approx(0.66, abs=0.03)
  assert sad['neu'] / 4000 == pytest.approx(0.26, abs=0.03)
  other = collections.Counter(cues.draw(cues.TABLES['text'], 'fru', rng) for _ in range(4000))
  assert {c: round(other[c] / 4000, 1) for c in other} == dict(neu=0.2, hap=0.3, sad=0.2, ang=0.3) or all(
    abs(n / 4000 - 0.25) < 0.03 for n in other.values()
  )
