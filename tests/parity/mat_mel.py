"""Log-mels of a recorded wave against librosa 0.8.1 under the authors' functions."""

from tests.parity import case as case_lib


def check(case: case_lib.Case) -> None:
  raise AssertionError(case)
