"""IEMOCAP, as released by USC SAIL."""

import tensorflow_datasets as tfds

from data_builders.corpora import base, iemocap_release, wav


class Builder(base.Builder):
  """Ten actors, five sessions, improvised and scripted dialogues, cut into utterances."""

  VERSION = tfds.core.Version('1.0.0')
  RELEASE_NOTES = {'1.0.0': 'First version.'}
  BUILDER_CONFIGS = base.configs(
    'logmel_mat', 'mel_chunks_mme2e', 'mfcc_mdre', 'prosody_mdre', 'waveform_fme', 'egemaps',
    'egemaps_lld', 'compare', 'compare_lld')
  MANUAL_DOWNLOAD_INSTRUCTIONS = (
    'Ask USC SAIL for IEMOCAP (https://sail.usc.edu/iemocap/iemocap_release.htm), unpack it, and '
    'give the folder IEMOCAP_full_release as manual_dir. Without it: a generated release from '
    'python -m data_builders.synthetic iemocap --out FOLDER')

  UTTERANCE = iemocap_release.Utterance
  SAMPLE_RATE = iemocap_release.SAMPLE_RATE
  HOMEPAGE = 'https://sail.usc.edu/iemocap/'
  LICENCE = 'USC SAIL release form: for research, no redistribution of media or transcripts'
  READ_FILE = staticmethod(wav.read_file)
  read_release = staticmethod(iemocap_release.read)
