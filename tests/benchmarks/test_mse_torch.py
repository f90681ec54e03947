"""The twins give the originals' logits, loss and gradients: what they are timed at is MSE.

Needs PyTorch (`pip install -e .[dev,parity]`); takes `--golden DIR` as tests/parity does.
"""

import pathlib

import pytest

torch = pytest.importorskip('torch')

from emojax.io import parameters  # noqa: E402
from tests.benchmarks import mse_torch  # noqa: E402
from tests.parity import case as case_lib  # noqa: E402

CASES = {f'mdre/mse_{kind}': kind for kind in ('are', 'tre', 'mdre', 'mdrea')}


def pytest_generate_tests(metafunc):
  if 'stem' in metafunc.fixturenames:
    folder = pathlib.Path(metafunc.config.getoption('--golden', 'tests/golden'))
    cases = [case for case in case_lib.listed(folder) if case[2] in CASES]
    metafunc.parametrize('folder, stem, kind', cases, ids=[stem for _, stem, _ in cases])


def test_twin_is_the_original(folder, stem, kind):
  case, kind = case_lib.load(folder, stem, kind), CASES[kind]

  def tensors(prefix):
    values = parameters.rename(case.under(prefix), mse_torch.from_tf(kind), transposed=False)
    return {name: torch.tensor(value) for name, value in values.items()}

  given, sizes = tensors('param/'), {}
  for name in ('audio', 'text'):
    biases = [value for path, value in given.items()
              if path.startswith(f'{name}.') and path.endswith('candidate_bias')]
    if biases:
      sizes |= {f'hidden_{name}': len(biases[0]), f'num_layers_{name}': len(biases)}
  rows, width = given['embedding'].shape if 'embedding' in given else (0, 0)
  model = mse_torch.Twin(kind, vocabulary=rows, text_width=width, **sizes).double()
  model.load_state_dict(given)
  batch = {name: torch.tensor(case.arrays[f'in/{key}']) for name, key in (
    ('audio', 'mfcc'), ('num_frames', 'mfcc_seq'), ('prosody', 'prosody'), ('text', 'text'),
    ('num_words', 'text_seq')) if f'in/{key}' in case.arrays}
  batch = {name: value.double() if value.is_floating_point() else value.long()
           for name, value in batch.items()}
  logits = model(batch)
  loss = mse_torch.loss(logits, torch.tensor(case.arrays['in/labels']).double())
  loss.backward()
  torch.testing.assert_close(logits, torch.tensor(case.arrays['out/logits']), rtol=1e-9, atol=1e-12)
  torch.testing.assert_close(loss, torch.tensor(case.arrays['out/loss']), rtol=1e-9, atol=0)
  wanted = tensors('grad/')
  for name, parameter in model.named_parameters():
    single = wanted[name].dtype == torch.float32  # large arrays are stored so: seven digits
    torch.testing.assert_close(
      parameter.grad, wanted[name].double(), rtol=1e-6 if single else 1e-8,
      atol=1e-8 if single else 1e-12, msg=lambda text, name=name: f'{name}: {text}')
