"""CMU-MOSEI, as released by CMU's MultiComp Lab."""

import tensorflow_datasets as tfds

from data_builders.corpora import base, mosei_release


class Builder(base.Builder):
  """Thousands of videos of single speakers: sentiment and six emotions of every segment."""

  VERSION = tfds.core.Version('1.0.0')
  RELEASE_NOTES = {'1.0.0': 'First version.'}
  BUILDER_CONFIGS = base.configs(
    'logmel_mat', 'mel_chunks_mme2e', 'mfcc_mdre', 'prosody_mdre', 'waveform_fme', 'egemaps',
    'egemaps_lld', 'compare', 'compare_lld', text=True)
  MANUAL_DOWNLOAD_INSTRUCTIONS = (
    'Download the raw CMU-MOSEI (http://multicomp.cs.cmu.edu/resources/cmu-mosei-dataset/), unpack '
    'it, put cmu_mosei_std_folds.py of the CMU-MultimodalSDK into its folder Raw, and give that '
    'folder as manual_dir. Without it: a generated release from '
    'python -m data_builders.synthetic mosei --out FOLDER')

  UTTERANCE = mosei_release.Utterance
  SAMPLE_RATE = mosei_release.SAMPLE_RATE
  HOMEPAGE = 'http://multicomp.cs.cmu.edu/resources/cmu-mosei-dataset/'
  LICENCE = 'for research, with citation of Zadeh et al. 2018; videos belong to their speakers'
  read_release = staticmethod(mosei_release.read)
