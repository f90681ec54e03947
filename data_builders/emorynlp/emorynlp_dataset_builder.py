"""EmoryNLP, emotions in the dialogues of a TV series."""

import tensorflow_datasets as tfds

from data_builders.corpora import base, emorynlp_release


class Builder(base.Builder):
  """Friends, the first four seasons: seven emotions per utterance, others than MELD's."""

  VERSION = tfds.core.Version('1.0.0')
  RELEASE_NOTES = {'1.0.0': 'First version.'}
  BUILDER_CONFIGS = base.configs(
    'logmel_mat', 'egemaps', 'egemaps_lld', 'compare', 'compare_lld', text=True)
  MANUAL_DOWNLOAD_INSTRUCTIONS = (
    'Clone https://github.com/declare-lab/MELD and give the folder data/emorynlp as manual_dir: '
    'that does for emorynlp/text. For sound, put it beside the folders of the clips. Without it: a '
    'generated release from python -m data_builders.synthetic emorynlp --out FOLDER')

  UTTERANCE = emorynlp_release.Utterance
  SAMPLE_RATE = emorynlp_release.SAMPLE_RATE
  HOMEPAGE = 'https://github.com/emorynlp/emotion-detection'
  LICENCE = 'GPL-3.0 (declare-lab/MELD); the dialogue is of a TV series: for research'
  read_release = staticmethod(emorynlp_release.read)
