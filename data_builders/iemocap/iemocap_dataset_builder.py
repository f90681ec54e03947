"""IEMOCAP, as released by USC SAIL."""

import tensorflow_datasets as tfds

from data_builders.corpora import base, iemocap_release


class Builder(base.Builder):
  """Ten actors, five sessions, improvised and scripted dialogues, cut into utterances."""

  VERSION = tfds.core.Version('1.0.0')
  RELEASE_NOTES = {'1.0.0': 'First version.'}
  BUILDER_CONFIGS = base.configs('logmel_mat')
  MANUAL_DOWNLOAD_INSTRUCTIONS = (
    'Ask USC SAIL for IEMOCAP (https://sail.usc.edu/iemocap/iemocap_release.htm), unpack it, and '
    'give the folder IEMOCAP_full_release as manual_dir. Without it: a generated release from '
    'python -m data_builders.synthetic iemocap --out FOLDER')

  UTTERANCE = iemocap_release.Utterance
  SAMPLE_RATE = iemocap_release.SAMPLE_RATE
  HOMEPAGE = 'https://sail.usc.edu/iemocap/'
  LICENCE = 'USC SAIL release form: for research, no redistribution of media or transcripts'
  read_release = staticmethod(iemocap_release.read)
