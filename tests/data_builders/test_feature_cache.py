"""Costly features: a build that was killed goes on, and gives what an undisturbed one gives."""

import dataclasses
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import tensorflow_datasets as tfds

from data_builders.corpora import feature_cache, prepare
from emojax.features import catalogue
from emojax.io import files, prepared
from tests.data_builders import hand_made

COSTLY = dataclasses.replace(catalogue.FEATURES['mfcc_mdre'], costly=True)
# Stops at row 3, when workers have computed the rows of the next messages, too.
STUCK = """
import dataclasses, sys, time
from data_builders import build
from data_builders.corpora import ledger
from emojax.features import catalogue

features, add = catalogue.FEATURES, ledger.Ledger.add
features['mfcc_mdre'] = dataclasses.replace(features['mfcc_mdre'], costly=True)

def stuck(self, record, row):
  if len(self) == 3:
    time.sleep(3600)
  add(self, record, row)

ledger.Ledger.add = stuck
sys.exit(build.main(sys.argv[1:]))
"""


def _records(folder):
  source = tfds.builder_from_directory(str(folder)).as_data_source('all')
  return [source[row] for row in range(len(source))]


def _computed(data_dir):
  return list((data_dir / 'iemocap/mfcc_mdre' / prepare.COMPUTED).glob('[!.]*'))


def _wait_for(condition, seconds=120):
  end = time.monotonic() + seconds
  while not condition():
    assert time.monotonic() < end, 'it did not come so far'
    time.sleep(0.05)


def test_a_killed_build_goes_on_and_gives_the_same(with_base, monkeypatch):
  undisturbed, killed = with_base('undisturbed'), with_base('killed')
  process = subprocess.Popen([
    sys.executable, '-c', STUCK, 'iemocap/mfcc_mdre', '--data_dir', killed, '--workers', '1'])
  try:
    _wait_for(lambda: len(_computed(killed)) >= 20 or process.poll() is not None)
  finally:
    process.send_signal(signal.SIGKILL)
    process.wait()
  with pytest.raises(prepared.UnpreparedError):
    prepared.find(killed, 'iemocap', 'mfcc_mdre')
  kept = _computed(killed)
  assert 20 <= len(kept) < len(prepared.read_index(prepared.find(killed, 'iemocap'))['id'])
  kept[0].write_bytes(kept[0].read_bytes()[:-1])  # nobody's work, but it must not be believed

  monkeypatch.setitem(catalogue.FEATURES, 'mfcc_mdre', COSTLY)
  one, _ = prepare.prepare('iemocap', 'mfcc_mdre', undisturbed, workers=1)
  two, why = prepare.prepare('iemocap', 'mfcc_mdre', killed, workers=2)
  assert why == 'new'
  assert not (killed / 'iemocap/mfcc_mdre' / prepare.COMPUTED).exists()
  np.testing.assert_equal(_records(one), _records(two))
  np.testing.assert_equal(prepared.read_index(one), prepared.read_index(two))
  assert [files.read_json(f / prepared.METADATA)['fingerprint'] for f in (one, two)] == [
    files.read_json(one / prepared.METADATA)['fingerprint']] * 2


class _Counting:
  """Stands for a feature: counts how often it computes."""

  def __init__(self, version=1):
    self.version, self.computed = version, 0

  def metadata(self):
    return {'version': self.version}

  def __call__(self, sound):
    self.computed += 1
    if not len(sound[0]):
      return np.zeros((0, 1), np.float32), 'the sound has no samples.'
    return sound[0].astype(np.float32)[:, None] * self.version, ''


def test_what_is_there_is_not_computed_again(tmp_path):
  sound = hand_made.noise(0.1, 0), 16000
  first, again = _Counting(), _Counting()
  expected = feature_cache.cached(first, tmp_path)(sound)
  found = feature_cache.cached(again, tmp_path)(sound)
  np.testing.assert_equal(found, expected)
  assert (first.computed, again.computed) == (1, 0)


def test_a_reason_is_kept_too(tmp_path):
  nothing = np.zeros(0, np.int16), 16000
  feature_cache.cached(_Counting(), tmp_path)(nothing)
  again = _Counting()
  values, reason = feature_cache.cached(again, tmp_path)(nothing)
  assert (values.shape, reason, again.computed) == ((0, 1), 'the sound has no samples.', 0)


@pytest.mark.parametrize('sound, version', [
  ((hand_made.noise(0.1, 1), 16000), 1),  # another sound
  ((hand_made.noise(0.1, 0), 8000), 1),  # the same samples at another rate
  ((hand_made.noise(0.1, 0), 16000), 2),  # another extractor
])
def test_anything_else_is_computed(tmp_path, sound, version):
  feature_cache.cached(_Counting(), tmp_path)((hand_made.noise(0.1, 0), 16000))
  other = _Counting(version)
  feature_cache.cached(other, tmp_path)(sound)
  assert other.computed == 1
  assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize('damage', [
  lambda content: b'', lambda content: content[:-1],
  lambda content: content[:60] + bytes([content[60] ^ 1]) + content[61:]])
def test_a_damaged_file_is_computed_again(tmp_path, damage):
  sound = hand_made.noise(0.1, 0), 16000
  expected = feature_cache.cached(_Counting(), tmp_path)(sound)
  file, = tmp_path.iterdir()
  file.write_bytes(damage(file.read_bytes()))
  feature = _Counting()
  np.testing.assert_equal(feature_cache.cached(feature, tmp_path)(sound), expected)
  assert feature.computed == 1
