"""Labels and transcripts as MSE's notebook reads them from two files of the release.

Two habits of the notebook are not ours: what stands behind a second colon is lost, and turns whose
number begins with XX have no words. A vocabulary that must be the original's drops the same.
"""

import re

import numpy as np

from data_builders.corpora import iemocap_labels
from emojax.protocols import iemocap
from tests.parity import case as case_lib


def check(case: case_lib.Case) -> None:
  about = case.about
  labels, damaged, unknown = iemocap_labels.parse_evaluation(about['EmoEvaluation_text'])
  found = [[label.name, label.emotion] for label in labels]
  assert found == about['mse_labels'] and not damaged and not unknown
  assert sorted(found) == about['mse_sorted_labels']
  words, again = iemocap_labels.parse_transcriptions(about['transcription_text'])
  assert not again
  assert sorted([name, text.split(':')[0].strip()] for name, text in words.items()
                if not re.search(r'XX.$', name)) == about['mse_transcriptions']
  check_classes(about['four_class'])


def check_classes(ids: dict[str, int]) -> None:
  """The release's names become these ids; 'others' stands for every other name."""
  others = ids.get('others', -1)
  names = [*iemocap_labels.EMOTIONS, iemocap_labels.NO_MAJORITY]
  found = iemocap.FOUR_ANGRY_FIRST.ids({'emotion': np.array(names)})
  assert found.tolist() == [ids.get(name, others) for name in names]
