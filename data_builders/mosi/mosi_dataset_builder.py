"""CMU-MOSI, as released by CMU's MultiComp Lab."""

import tensorflow_datasets as tfds

from data_builders.corpora import base, mosi_release


class Builder(base.Builder):
  """93 video reviews by single speakers, cut into opinions with a sentiment from -3 to 3."""

  VERSION = tfds.core.Version('1.0.0')
  RELEASE_NOTES = {'1.0.0': 'First version.'}
  BUILDER_CONFIGS = base.configs(
    'logmel_mat', 'mel_chunks_mme2e', 'mfcc_mdre', 'prosody_mdre', 'waveform_fme', 'egemaps',
    'egemaps_lld', 'compare', 'compare_lld', text=True)
  MANUAL_DOWNLOAD_INSTRUCTIONS = (
    'Download the raw CMU-MOSI (http://multicomp.cs.cmu.edu/resources/cmu-mosi-dataset/), unpack '
    'it, put OpinionLevelSentiment.csv into its folder Labels, and give the folder Raw as '
    'manual_dir. Without it: a generated release from '
    'python -m data_builders.synthetic mosi --out FOLDER')

  UTTERANCE = mosi_release.Utterance
  SAMPLE_RATE = mosi_release.SAMPLE_RATE
  HOMEPAGE = 'http://multicomp.cs.cmu.edu/resources/cmu-mosi-dataset/'
  LICENCE = 'for research, with citation of Zadeh et al. 2016; videos belong to their speakers'
  read_release = staticmethod(mosi_release.read)
