"""FME's standardised waveforms of fixed length, the row of exactly that length zeros as theirs."""

import numpy as np

from emojax.features import waveform_fme
from tests.parity import case as case_lib


def check(case: case_lib.Case) -> None:
  length, expected = case.about['max_len'], case.arrays['out/audio']
  assert len(expected) == len(case.about['lengths'])
  for row, samples in enumerate(case.about['lengths']):
    wave = case.arrays[f'in/wav_{row}']
    assert len(wave) == samples
    found = waveform_fme.fixed(waveform_fme.standardise(wave), length, exact_is_zero=True)
    np.testing.assert_allclose(found, expected[row], rtol=1e-12, atol=1e-12)
    stored = waveform_fme.fixed(waveform_fme.extract(wave, 16000), length, exact_is_zero=True)
    np.testing.assert_allclose(stored[:, 0], expected[row], rtol=1e-7, atol=0)
