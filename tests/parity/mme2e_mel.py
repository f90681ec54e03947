"""MME2E's mels and pieces against torchaudio's, at both corpora's rates and FFT lengths."""

import numpy as np

from emojax.features import mel_chunks_mme2e
from tests.parity import case as case_lib

BANDS, FRAMES = 8, 2  # of the filters every 8th is stored, of MOSEI's frames every 2nd


def check(case: case_lib.Case) -> None:
  arrays = case.arrays
  for rate, n_fft in ((16000, 400), (44100, 1102)):
    basis = mel_chunks_mme2e.mel_basis(rate, n_fft)
    np.testing.assert_allclose(basis.T[:, ::BANDS], arrays[f'out/melfb_{rate}'], rtol=0, atol=2e-5)
  frames = mel_chunks_mme2e.extract(arrays['in/pcm16_16000'], 16000)
  case_lib.assert_close(frames, arrays['out/iemocap_mel_16000'][0].T, relative=1e-5, what='IEMOCAP')
  pieces = mel_chunks_mme2e.pieces(frames)
  assert len(pieces) == arrays['out/n_pieces_16000']
  case_lib.assert_close(pieces, arrays['out/pieces_16000'][:, 0], relative=1e-5, what='pieces')
  frames = mel_chunks_mme2e.extract(arrays['in/pcm16_44100'], 44100, n_fft=None)
  case_lib.assert_close(frames[::FRAMES], arrays['out/mosei_mel_44100'][0].T, relative=1e-5,
                        what='MOSEI')
  assert len(mel_chunks_mme2e.pieces(frames)) == arrays['out/n_pieces_44100']
