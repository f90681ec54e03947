"""The twins give the originals' logits, loss and gradients: what they are timed at is FME.

Needs PyTorch; takes `--golden DIR` as tests/parity does. Where there is PyTorch but no JAX,
pytest's --noconftest runs the cases of tests/golden.
"""

import pathlib

import pytest

torch = pytest.importorskip('torch')

from emojax.io import parameters  # noqa: E402
from tests.benchmarks import fme_torch, mse_torch  # noqa: E402
from tests.parity import case as case_lib  # noqa: E402

CASES = {f'mdre/fme_{kind}': kind for kind in fme_torch.KINDS}


def pytest_generate_tests(metafunc):
  if 'stem' in metafunc.fixturenames:
    folder = pathlib.Path(metafunc.config.getoption('--golden', 'tests/golden'))
    cases = [case for case in case_lib.listed(folder) if case[2] in CASES]
    metafunc.parametrize('folder, stem, kind', cases, ids=[stem for _, stem, _ in cases])


def test_twin_is_the_original(folder, stem, kind):
  case, kind = case_lib.load(folder, stem, kind), CASES[kind]
  config, arrays = case.about['config'], case.arrays

  def tensors(prefix):
    values = parameters.rename(case.under(prefix), fme_torch.from_tf(kind), transposed=False)
    for name in values:  # PyTorch's own linear layers
      if name.startswith('attention.') and name.endswith('.kernel'):
        values = values | {name: values[name].T}
    return {name.replace('.kernel', '.weight') if name.startswith('attention.') else name:
            torch.tensor(value) for name, value in values.items()}

  sizes = dict(hidden=config['H'], filters=config.get('nf', (1,)), kernels=config.get('fl', (1,)),
               pools=config.get('pool', (1,)))
  model = fme_torch.Twin(kind, vocabulary=config.get('V', 0), **sizes).double()
  given = tensors('param/')
  model.load_state_dict(given, strict=kind != 'text_init')  # that case is of the text alone
  batch = {name: torch.tensor(arrays[f'in/{key}']) for name, key in (
    ('text', 'text'), ('audio', 'audio'), ('start', 'initial_hidden_state'))
    if f'in/{key}' in arrays}
  batch = {name: value if name == 'text' else value.double() for name, value in batch.items()}
  logits = model(batch)
  loss = mse_torch.loss(logits, torch.tensor(arrays['in/labels']).double())
  loss.backward()
  torch.testing.assert_close(logits, torch.tensor(arrays['out/logits']), rtol=1e-9, atol=1e-12)
  torch.testing.assert_close(loss, torch.tensor(arrays['out/loss']), rtol=1e-9, atol=0)
  found = dict(model.named_parameters())
  for name, gradient in tensors('grad/').items():
    if name == 'attention.score.bias':  # softmax does not see it; the twin does not add it
      assert found[name].grad is None and gradient.abs().max() < 1e-12
      continue
    single = gradient.dtype == torch.float32  # large arrays are stored so: seven digits
    torch.testing.assert_close(
      found[name].grad, gradient.double(), rtol=1e-6 if single else 1e-8,
      atol=1e-8 if single else 1e-12, msg=lambda text, name=name: f'{name}: {text}')
