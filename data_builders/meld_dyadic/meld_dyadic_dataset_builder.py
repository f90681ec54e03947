"""The dyadic variant of MELD: the same utterances in dialogues of two speakers."""

from data_builders.corpora import meld_release
from data_builders.meld import meld_dataset_builder


class Builder(meld_dataset_builder.Builder):
  """Friends, two by two; an utterance stands in several dialogues, under an id in each."""

  MANUAL_DOWNLOAD_INSTRUCTIONS = (
    'Clone https://github.com/declare-lab/MELD and give the folder data/MELD_Dyadic as manual_dir: '
    'that does for meld_dyadic/text. For sound, put it beside the clips of MELD.Raw.')

  read_release = staticmethod(meld_release.read_dyadic)
