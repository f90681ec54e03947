"""A batch in parts makes the update of the whole, or is refused."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from configs import iemocap_mat
from emojax.data import plan as plan_lib
from emojax.encoders import dropout, linear
from emojax.io import parameters
from emojax.performance import collectives
from emojax.tasks import single_label
from emojax.train import experiment, functional, sharding, step
from emojax.types import ModelOutput, Stream
from tests.train import on_mesh

STEPS = 5  # the last has filler rows
ALONE, SPREAD = dict(member=1, data=1, fsdp=1), dict(member=2, data=2, fsdp=2)
SUM = dataclasses.replace(on_mesh.HEAD, reduction='sum')


@functools.cache
def trained(parts, reduction='mean', spread=False):
  """(metrics, parameters) after an epoch in float64; each example weighs 0.5, 1 or 2."""
  with jax.enable_x64(True):
    run = on_mesh.Run(
      sharding.make_placement(**SPREAD if spread else ALONE), seeds=(3, 8) if spread else (3,),
      head=on_mesh.HEAD if reduction == 'mean' else SUM, optimizer='sgd', accumulate=parts,
      double=True)
    metrics = run.train(0, STEPS, rate=0.1 if reduction == 'mean' else 0.01)
    return metrics, run.placement.fetch(run.state.params)


def assert_same(found, expected):
  np.testing.assert_array_equal(found[0]['examples'], expected[0]['examples'])
  np.testing.assert_array_equal(found[0]['wa'], expected[0]['wa'])
  for name in ('loss', 'batch_loss'):
    np.testing.assert_allclose(found[0][name], expected[0][name], rtol=1e-9)
  wanted = parameters.flatten(expected[1])
  for name, value in parameters.flatten(found[1]).items():
    np.testing.assert_allclose(value, wanted[name], rtol=1e-9, atol=1e-12, err_msg=name)


@pytest.mark.parametrize('parts, reduction', [(2, 'mean'), (16, 'mean'), (3, 'mean'), (4, 'sum')])
def test_parts_make_the_update_of_the_whole(parts, reduction):
  whole = trained(1, reduction)
  assert whole[0]['examples'][:, 0].tolist() == [16, 16, 16, 16, 6]
  assert len(set(whole[0]['batch_loss'][:, 0].tolist())) == STEPS
  assert_same(trained(parts, reduction), whole)


@pytest.mark.slow
def test_parts_of_members_over_a_mesh_make_the_update_of_the_whole():
  found = trained(2, spread=True)
  assert_same(found, trained(1, spread=True))
  alone = jax.tree.map(lambda x: x[..., :1], trained(2)[0])
  np.testing.assert_allclose(found[0]['batch_loss'][:, :1], alone['batch_loss'], rtol=1e-9)


class Vector(nnx.Module):
  """A linear layer of the mean frame, and what is asked for besides."""

  requires = ('audio',)

  def __init__(self, more='', *, rngs):
    self.linear, self.dropout = linear.Linear(5, 3, rngs=rngs), dropout.Dropout(0.5)
    self.norm = nnx.BatchNorm(3, rngs=rngs) if more == 'statistics' else None
    self.adds = more == 'aux_loss'

  def __call__(self, inputs):
    x = self.linear(self.dropout(inputs['audio'].values.mean(1), time=0))
    return ModelOutput({'emotion': self.norm(x) if self.norm else x}, {},
                       {'balance': jnp.square(x).mean()} if self.adds else {})


def test_rows_of_a_part_have_the_masks_of_the_batch():
  make = lambda rngs: Vector(rngs=rngs)
  params, model_state = functional.init(make, jax.random.key(0))
  frames = np.random.default_rng(0).normal(size=(12, 9, 5)).astype(np.float32)

  def heads(frames, rows=None):
    audio = Stream(frames, np.full(frames.shape[:2], True))
    output, _ = functional.apply(functional.graph(make), params, model_state, {'audio': audio},
                                 key=jax.random.key(1), rows=rows)
    return output.heads['emotion']

  rows = np.array([10, 1, 4])
  np.testing.assert_allclose(heads(frames[rows], rows), heads(frames)[rows], rtol=1e-6)
  assert not np.allclose(heads(frames[rows]), heads(frames)[rows])


class OfTheMean(single_label.Head):
  """A head whose loss is of the batch: the square of the mean."""

  def reduce(self, losses, weight, whole=None):
    return super().reduce(losses, weight, whole)**2


@pytest.mark.parametrize('more, head, words', [
  ('', on_mesh.HEAD, []),
  ('statistics', on_mesh.HEAD, ['model state norm.mean', 'model state norm.var']),
  ('aux_loss', on_mesh.HEAD, ['aux_loss balance']),
  ('', OfTheMean('mood', ('a', 'b', 'c')), ['the reduction of head mood']),
])
def test_what_parts_would_change_is_refused_by_name(more, head, words):
  check = functools.partial(
    step.check_accumulation, lambda rngs: Vector(more, rngs=rngs), on_mesh.SPECS, [head])
  if not words:
    check()
    return
  with pytest.raises(ValueError, match='config.batch.accumulate') as error:
    check()
  named = str(error.value).partition(' for ')[2].partition(';')[0]
  assert named == ', '.join(words)


@pytest.fixture(scope='module')
def open_with(data_dir):
  """Opens the tiny experiment with so many parts."""
  def opened(parts):
    config = iemocap_mat.get_config('tiny')
    config.data.path, config.batch.accumulate = str(data_dir), parts
    return experiment.Experiment(config, sharding.make_placement(member=1, data=2, fsdp=1))

  return opened


def test_filler_rows_make_the_parts_equal(open_with):
  """A batch of 32 in three parts over two devices: six equal shares of six; evaluations as ever."""
  opened = open_with(3)
  opened.check_accumulation()
  member = opened.member(opened.members[0])
  rows = member.train_plan[0].rows
  assert len(rows) == 36 and (rows == plan_lib.FILLER).tolist() == [False] * 32 + [True] * 4
  assert len(member.plans['valid'][0].rows) == 32
  whole = open_with(1)
  np.testing.assert_array_equal(rows[:32], whole.member(whole.members[0]).train_plan[0].rows)


@pytest.mark.parametrize('parts', [0, 33])
def test_more_parts_than_examples_are_refused(open_with, parts):
  with pytest.raises(ValueError, match=f'accumulate={parts}: expected 1 .* to batch.size=32'):
    open_with(parts).check_accumulation()


def compiled(parts, **sizes):
  run = on_mesh.Run(sharding.make_placement(**ALONE | sizes), accumulate=parts)
  return run.train_step.lower(*run.arguments(*next(run.feeds(0, 1)))).compile()


@pytest.mark.slow
def test_parts_take_less_memory():
  """Of a batch of 16 in 8 parts: the gradients stay, of activations an eighth."""
  run = on_mesh.Run(sharding.make_placement(**ALONE))
  gradients = sum(4 * leaf.size for leaf in jax.tree.leaves(run.state.params))
  whole, parts = (compiled(n).memory_analysis().temp_size_in_bytes for n in (1, 8))
  assert parts - gradients < (whole - gradients) / 3


def test_devices_exchange_gradients_once_for_all_parts():
  found = collectives.read(compiled(2, data=4).as_text())
  assert {one.kind for one in found} == {'all-reduce'}
  assert [one for one in found if 'while' in one.origin and one.bytes > 16] == []
  assert sum(one.bytes > 16 for one in found) == 1
