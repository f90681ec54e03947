"""EmoDB, the Berlin database of emotional speech."""

import tensorflow_datasets as tfds

from data_builders.corpora import base, emodb_release, wav


class Builder(base.Builder):
  """Ten actors, ten German sentences, seven emotions."""

  VERSION = tfds.core.Version('1.0.0')
  RELEASE_NOTES = {'1.0.0': 'First version.'}
  # Clips last under 3 s: MAT's five frames per second leave a dozen rows, hence the finer config.
  BUILDER_CONFIGS = base.configs(
    'logmel_mat', 'logmel_mat_r4', 'mel_chunks_mme2e', 'mfcc_mdre', 'prosody_mdre',
    'waveform_fme', 'egemaps', 'egemaps_lld', 'compare', 'compare_lld')
  MANUAL_DOWNLOAD_INSTRUCTIONS = (
    'Download EmoDB (http://emodb.bilderbar.info/download/, or audeering/emodb) and give the '
    'folder of its wav files as manual_dir.')

  UTTERANCE = emodb_release.Utterance
  SAMPLE_RATE = emodb_release.SAMPLE_RATE
  HOMEPAGE = 'http://emodb.bilderbar.info/'
  LICENCE = 'CC0-1.0 (as declared by audeering/emodb)'
  READ_FILE = staticmethod(wav.read_file)
  read_release = staticmethod(emodb_release.read)
