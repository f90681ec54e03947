"""Tensors that a model has and a file lacks, or the other way round, in one message."""

import time

import pytest

from emojax.io import named_tensors, tensor_bundle
from tests.io import test_tensor_bundle

KERNEL = 'rnn/multi_rnn_cell/cell_0/gru_cell/candidate/kernel'


@pytest.fixture
def audio():
  """Name -> shape of the tensors of a golden bundle, the optimizer's left out."""
  own, _ = tensor_bundle.without_optimizer(
    tensor_bundle.entries(test_tensor_bundle.GOLDEN / 'pt_audio_model'))
  return {name: entry.shape for name, entry in own.items()}


def faults(wanted, found):
  with pytest.raises(ValueError) as caught:
    named_tensors.check(wanted, found, 'pt_audio_model')
  first, *others = str(caught.value).splitlines()
  assert first.startswith(f'pt_audio_model does not fit the model in {len(others)} of '
                          f'{len(wanted)} parameters')
  return [other.strip() for other in others]


def test_all_that_is_wrong_is_named_at_once(audio):
  named_tensors.check(audio, dict(audio), 'pt_audio_model')
  units = audio['output_layer/W'][0]
  wanted = audio | {'output_layer/W': (units, 7), 'attention/W': (3,)}
  found = {name.replace('rnn/', 'audio/rnn/', 1): shape for name, shape in audio.items()}
  assert faults({name: wanted[name] for name in ('output_layer/W', 'attention/W', KERNEL)}, {
    name: found[name] for name in ('output_layer/W', f'audio/{KERNEL}')}) == [
      f'! output_layer/W is {(units, 4)}, expected {(units, 7)}',
      f'+ audio/{KERNEL} {audio[KERNEL]} is unknown',
      '- attention/W (3,) is missing',
      f'- {KERNEL} {audio[KERNEL]} is missing (did you mean audio/{KERNEL}?)']


def test_a_name_is_near_if_its_shape_is_right():
  found = {'cell_0/gates/kernel': (3, 4), 'cell_1/gates/kernels': (9, 4)}
  assert faults({'cell_1/gates/kernel': (3, 4)}, found)[-1].endswith('mean cell_0/gates/kernel?)')
  assert faults({'cell_1/gates/kernel': (1, 4)}, found)[-1].endswith('mean cell_1/gates/kernels?)')


def test_many_names_or_long_ones_make_no_long_message():
  wanted = {f'layer_{number}/kernel': (2,) for number in range(150)}
  found = {f'{"k" * 5000}{number}': (2,) for number in range(2000)}
  start = time.perf_counter()
  with pytest.raises(ValueError, match=r'(?s)in 2151 of 150 .*and 1951 more') as caught:
    named_tensors.check(wanted, found | {'': ()}, 'x')
  assert time.perf_counter() - start < 5 and len(str(caught.value)) < 60_000
