"""MELD, emotions in the dialogues of a TV series."""

import tensorflow_datasets as tfds

from data_builders.corpora import base, meld_release


class Builder(base.Builder):
  """Friends, scene by scene: seven emotions and three sentiments per utterance."""

  VERSION = tfds.core.Version('1.0.0')
  RELEASE_NOTES = {'1.0.0': 'First version.'}
  BUILDER_CONFIGS = base.configs(
    'logmel_mat', 'egemaps', 'egemaps_lld', 'compare', 'compare_lld', text=True)
  MANUAL_DOWNLOAD_INSTRUCTIONS = (
    'Download MELD.Raw.tar.gz (https://affective-meld.github.io), unpack it and the three archives '
    'in it, and give the folder MELD.Raw as manual_dir. The csv files alone do for meld/text. '
    'Without it: a generated release from python -m data_builders.synthetic meld --out FOLDER')

  UTTERANCE = meld_release.Utterance
  SAMPLE_RATE = meld_release.SAMPLE_RATE
  HOMEPAGE = 'https://affective-meld.github.io'
  LICENCE = 'GPL-3.0 (declare-lab/MELD); dialogue and clips are of a TV series: for research'
  read_release = staticmethod(meld_release.read)
