"""Contracts of every file in configs/: found by listing the folder, nothing is registered."""

import importlib
import pathlib

import jax
import jax.numpy as jnp
import pytest

from emojax.train import experiment, functional, loop, sharding, step

NAMES = sorted(p.stem for p in (pathlib.Path(__file__).parents[1] / 'configs').glob('*.py')
               if p.stem not in ('__init__', 'common'))


def _get(name, arg=None):
  return importlib.import_module(f'configs.{name}').get_config(arg)


@pytest.mark.parametrize('name', NAMES)
def test_says_what_it_is_and_refuses_unknown_words(name):
  module = importlib.import_module(f'configs.{name}')
  assert 'python -m emojax.main' in module.__doc__ and f'configs/{name}.py' in module.__doc__
  with pytest.raises(ValueError, match='there are: '):
    module.get_config('nonsense')


@pytest.mark.parametrize('name', NAMES)
def test_full_size_has_shapes(name, data_dir):
  config = _get(name)
  config.data.path = str(data_dir)
  if 'text' in config.streams:
    config.streams.text.vectors = 'random'
  opened = experiment.Experiment(config, sharding.Placement(sharding.make_mesh(1, -1, 1)))
  loop.make_rules(config, opened)
  assert jax.tree.leaves(opened.shapes())


@pytest.mark.parametrize('name', NAMES)
def test_tiny_gives_a_finite_loss_and_gradients_everywhere(name, data_dir):
  config = _get(name, 'tiny')
  config.data.path = str(data_dir)
  opened = experiment.Experiment(config, sharding.Placement(sharding.make_mesh(1, -1, 1)))
  data = opened.member(opened.members[0])
  graphdef = functional.graph(data.make)
  params, model_state = functional.init(data.make, jax.random.key(0))
  feed, lengths = next(data.loader.feeds(data.train_plan, 0, 1))
  batch = data.loader.read(data.loader.data, jax.tree.map(lambda x: x[0], feed), lengths)

  def loss(params):
    output, _ = functional.apply(graphdef, params, model_state, batch.inputs)
    for head in opened.heads:
      assert output.heads[head.name].shape == (len(batch.weight), head.width)
    return sum(h.reduce(h.loss(output.heads[h.name], batch.targets[h.name]), batch.weight)
               for h in opened.heads)

  value, gradients = jax.jit(jax.value_and_grad(loss))(params)
  assert jnp.isfinite(value)
  idle = [jax.tree_util.keystr(path) for path, g in jax.tree_util.tree_leaves_with_path(gradients)
          if not g.any() or not jnp.isfinite(g).all()]
  # softmax does not see a bias on all its keys
  assert [path for path in idle if "['key']['bias']" not in path] == []
  assert step.zero_sums(opened.heads, 1)
