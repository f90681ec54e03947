"""The twins give the originals' logits, loss and gradients: what they are timed at is MAT and MNT.

Needs PyTorch (`pip install -e .[dev,parity]`); takes `--golden DIR` as tests/parity does. Where
there is PyTorch but no JAX, pytest's --noconftest runs the cases of tests/golden.
"""

import pathlib

import pytest

torch = pytest.importorskip('torch')

from tests.benchmarks import mat_torch  # noqa: E402
from tests.parity import case as case_lib  # noqa: E402


def pytest_generate_tests(metafunc):
  if 'stem' in metafunc.fixturenames:
    folder = pathlib.Path(metafunc.config.getoption('--golden', 'tests/golden'))
    cases = [case for case in case_lib.listed(folder) if case[2] in ('mat/mat', 'mat/mnt')]
    metafunc.parametrize('folder, stem, kind', cases, ids=[stem for _, stem, _ in cases])


def test_twin_is_the_original(folder, stem, kind):
  case = case_lib.load(folder, stem, kind)
  about, config = case.about, case.about['config']
  tensors = {name: torch.from_numpy(array) for name, array in case.arrays.items()
             if name.startswith(('param/', 'grad/', 'in/', 'out/'))}
  model = mat_torch.MODELS[about['model'].removeprefix('Model_').lower()](
    about['vocab_rows'], about['ans_size'], hidden=config['hidden_size'],
    feed_forward=config['ff_size'], num_layers=config['layer'], num_heads=config['multi_head'],
    text_width=config['word_embed_size'], audio_width=config['audio_feat_size']).double()
  model.load_state_dict({name.removeprefix('param/'): tensor for name, tensor in tensors.items()
                         if name.startswith('param/')})
  logits = model(tensors['in/x'], tensors['in/y'])
  loss = mat_torch.loss(logits, tensors['in/target'], tensors.get('in/class_weight'))
  loss.backward()
  torch.testing.assert_close(logits, tensors['out/logits'], rtol=1e-9, atol=1e-12)
  torch.testing.assert_close(loss, tensors['out/loss'], rtol=1e-9, atol=0)
  for name, parameter in model.named_parameters():
    torch.testing.assert_close(parameter.grad, tensors[f'grad/{name}'], rtol=1e-8, atol=1e-12,
                               msg=lambda text, name=name: f'{name}: {text}')


@pytest.mark.parametrize('model, number', [('mat', 16_407_462), ('mnt', 15_877_030)])
def test_published_size_has_the_originals_number_of_parameters(model, number):
  twin = mat_torch.MODELS[model](3000, 4, **mat_torch.PUBLISHED)
  assert sum(parameter.numel() for parameter in twin.parameters()) == number
