"""Times, labels and transcripts as TAB's scripts read them from two files of the release.

They take any line with a colon for a transcript ('M: sorry'); here it must begin with a name.
"""

from data_builders.corpora import iemocap_labels
from tests.parity import case as case_lib
from tests.parity import mdre_label_derivation


def check(case: case_lib.Case) -> None:
  about = case.about
  labels, damaged, unknown = iemocap_labels.parse_evaluation(about['EmoEvaluation_text'])
  assert not damaged and not unknown
  assert about['tab_emotions'] == [
    {'start': label.start, 'end': label.end, 'id': label.name, 'emotion': label.emotion,
     **dict(zip('vad', label.attributes, strict=True))} for label in labels]
  words, _ = iemocap_labels.parse_transcriptions(about['transcription_text'])
  assert words == {name: text for name, text in about['tab_transcriptions'].items()
                   if name.startswith('Ses')}
  assert about['tab_class_codes'].keys() <= {*iemocap_labels.EMOTIONS, iemocap_labels.NO_MAJORITY}
  # TAB's loader: codes 1 and 2 are one class, those above move down by one
  codes = {name: code for name, code in about['tab_class_codes'].items() if code < 5}
  assert about['tab_four_class'] == {name: code - (code > 1) for name, code in codes.items()}
  mdre_label_derivation.check_classes(about['tab_four_class'])
