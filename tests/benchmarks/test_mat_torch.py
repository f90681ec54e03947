"""The twin gives the original's logits, loss and gradients: what it is timed at is MAT."""

import json
import pathlib

import numpy as np
import pytest

torch = pytest.importorskip('torch')

from tests.benchmarks import mat_torch  # noqa: E402

GOLDEN = pathlib.Path(__file__).parents[1] / 'golden/mat'


@pytest.mark.parametrize('stem', ['mat_ce_l2', 'mat_wce7_l1_edge'])
def test_twin_is_the_original(stem):
  about = json.loads((GOLDEN / f'{stem}.json').read_text())
  arrays = np.load(GOLDEN / f'{stem}.npz', allow_pickle=False)
  tensors = {name: torch.from_numpy(arrays[name]) for name in arrays.files}
  config = about['config']
  model = mat_torch.MAT(
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


def test_published_size_has_the_originals_number_of_parameters():
  model = mat_torch.MAT(3000, 4, **mat_torch.PUBLISHED)
  assert sum(parameter.numel() for parameter in model.parameters()) == 16_407_462
