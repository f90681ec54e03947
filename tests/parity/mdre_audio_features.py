"""MDRE's MFCCs and prosody against openSMILE's own."""

import numpy as np

from emojax.features import mfcc_mdre, prosody_mdre
from tests.parity import case as case_lib


def check(case: case_lib.Case) -> None:
  waves, expected = case.under('in/wav_'), case.under('out/mfcc_')
  assert waves and set(waves) == set(expected)
  for name, wave in waves.items():
    found = mfcc_mdre.extract(wave, case.about['sample_rate'])
    # openSMILE computes in float32: its rounding reaches 7e-5 on noise, 4e-5 in the first such case
    np.testing.assert_allclose(found, expected[name], rtol=0, atol=1e-4)
    assert np.sqrt(np.square(found - expected[name]).mean()) < 1.5e-5
    prosody = prosody_mdre.extract(wave, case.about['sample_rate'])[0]
    # float32 there and, at the end, here: 3e-5 of values near 100 in the worst; F0's slope 4e-6
    np.testing.assert_allclose(prosody, case.arrays[f'out/prosody_{name}'], rtol=1e-5, atol=1e-5)
