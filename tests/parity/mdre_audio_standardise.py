"""FME's standardised waveforms of fixed length, the row of exactly that length zeros as theirs."""

import numpy as np

from emojax.data import streams
from emojax.features import waveform_fme
from emojax.types import StreamSpec
from tests.parity import case as case_lib


def check(case: case_lib.Case) -> None:
  length, expected = case.about['max_len'], case.arrays['out/audio']
  lengths = case.about['lengths']
  assert len(expected) == len(lengths) and length in lengths
  waves = [case.arrays[f'in/wav_{row}'] for row in range(len(lengths))]
  assert [len(wave) for wave in waves] == lengths
  for row, wave in enumerate(waves):
    double = waveform_fme.standardise(wave)[:length if lengths[row] != length else 0]
    np.testing.assert_allclose(
      double, expected[row, :len(double)], rtol=1e-12, atol=1e-12)
  reader = streams.Frames(lambda row: waveform_fme.extract(waves[row], 16000), np.array(lengths),
                          StreamSpec(1, length), exact='lost')
  stored = streams.pad(reader, np.arange(len(lengths)), length).values[..., 0]
  np.testing.assert_allclose(stored, expected, rtol=1e-7, atol=0)
