"""Parameters divided over devices: by which rules, where they lie, and that they train the same."""

import functools

import jax
import numpy as np
import pytest
from jax.sharding import PartitionSpec

from emojax.io import parameters
from emojax.performance import collectives, measure
from emojax.train import checkpoint, sharding
from emojax.train import state as state_lib
from tests.train import on_mesh

# What a model may hold; 4096 elements are worth dividing, 4095 are not.
SHAPES = {'front.embedding': (3000, 300), 'front.lstm.weight': (64, 64), 'front.lstm.bias': (512,),
          'head.kernel': (64, 3), 'head.bias': (3,), 'odd.kernel': (4095, 1)}
SMALL = 'embedding=last; lstm.*weight_recurrent=last; mlp.*kernel=largest; lstm=first'


def divided(rules, fsdp):
  return sharding.divided(SHAPES, sharding.parse(rules), fsdp)


@pytest.mark.parametrize('fsdp, axes', [
  (1, {}), (2, {'front.embedding': 0, 'front.lstm.weight': 0}), (7, {}),
  (64, {'front.lstm.weight': 0}), (100, {'front.embedding': 0}), (300, {'front.embedding': 0})])
def test_without_rules_the_largest_axis_of_large_parameters_is_divided(fsdp, axes):
  assert divided('', fsdp) == dict.fromkeys(SHAPES) | axes


@pytest.mark.parametrize('rules, axes', [
  ('embedding=last', {'front.embedding': 1, 'front.lstm.weight': 0}),
  ('lstm=whole', {'front.embedding': 0}),
  ('bias$=first; ^front=last', 'head.bias'),
  ('head.bias=whole;bias$=first;.=whole;', {'front.lstm.bias': 0}),
  ('head=whole; bias=first; head.kernel=first', 'head.kernel=first'),
  ('odd.*=largest; .=whole', 'odd.kernel'),
  (r'lstm\.weight=largest; .=whole', {'front.lstm.weight': 0})])
def test_the_first_rule_that_fits_counts(rules, axes):
  if isinstance(axes, str):
    with pytest.raises(ValueError, match=axes):
      divided(rules, 2)
  else:
    assert divided(rules, 2) == dict.fromkeys(SHAPES) | axes


@pytest.mark.parametrize('rules, fsdp, words', [
  ('embedding', 2, ["'embedding' is not PATTERN=PLACE", 'first, last, largest, whole']),
  ('embedding=lst', 2, ["'embedding=lst'", "did you mean 'last'?"]),
  ('=last', 2, ["'=last' is not PATTERN=PLACE"]),
  ('lstm(=last', 2, ["'lstm('", 'no regular expression', 'unterminated']),
  ('embeding=last', 2, ["'embeding=last'", "did you mean 'embedding'?",
                          'names are made of bias, embedding, front, head, kernel, lstm, odd, w']),
  ('emb.dding=first; lsmt=last', 1, ["'lsmt=last'", "did you mean 'lstm'?"]),
  ('lstm=whole; lstm.weight=last', 2, ["'lstm.weight=last' decides nothing", 'front.lstm.weight']),
  ('head.kernel=last; .=whole', 2, [
    "'head.kernel=last'", 'fsdp=2 does not divide the last axis', r'head.kernel (64, 3)',
    'largest axis that it divides has size 64']),
  ('head.bias=first; .=whole', 2, ['head.bias (3,); it divides none of its axes'])])
def test_wrong_rules_are_answered(rules, fsdp, words):
  with pytest.raises(ValueError) as error:
    divided(rules, fsdp)
  for word in words:
    assert word in str(error.value)


def placement(member=1, data=1, fsdp=1, rules=SMALL):
  return sharding.make_placement(member=member, data=data, fsdp=fsdp, rules=rules)


@functools.cache
def run(fsdp, double=False, **sizes):
  """A run after 20 steps, with their metrics."""
  with jax.enable_x64(double):
    made = on_mesh.Run(placement(fsdp=fsdp, **sizes), seeds=range(sizes.get('member', 1)),
                       restores=True, double=double)
    return made, made.train(0, 20, rate=1e-3)


def test_moments_and_best_lie_as_their_parameters_do():
  layout = run(2)[0].layout
  expected = {'front.embedding': PartitionSpec('member', None, 'fsdp'),
              'front.text_lstm.weight_input': PartitionSpec('member', 'fsdp'),
              'front.text_lstm.weight_recurrent': PartitionSpec('member', None, 'fsdp'),
              'encoder.0.mlp.input.kernel': PartitionSpec('member', None, 'fsdp'),  # [16, 24]
              'encoder.0.mlp.output.kernel': PartitionSpec('member', 'fsdp'),  # [24, 16]
              'encoder.0.attention.key.kernel': PartitionSpec('member'),
              'norm.scale': PartitionSpec('member')}
  adam, best = layout.opt_state[0], layout.best['opt_state'][0]
  for tree in (layout.params, adam.mu, adam.nu, layout.best['params'], best.mu, best.nu):
    found = parameters.flatten(tree)
    assert {name: found[name].spec for name in expected} == expected
  rest = (layout.step, layout.key, adam.count, layout.model_state, layout.best['model_state'])
  assert {leaf.spec for leaf in jax.tree.leaves(rest)} == {PartitionSpec('member')}


def test_a_device_holds_its_part_and_steps_keep_it_there():
  made, _ = run(2)
  weight = made.state.params['front']['text_lstm']['weight_recurrent']
  assert weight.shape == (1, 64, 16)
  assert [shard.data.shape for shard in weight.addressable_shards] == [(1, 64, 8)] * 2
  assert jax.tree.map(lambda x: x.sharding, made.state) == made.layout
  arguments = made.arguments(*next(made.feeds(20, 21)))
  with measure.compilations() as seen:
    made.state, _ = made.train_step(*arguments)
  assert not any('backend_compile' in event for event in seen)


@pytest.mark.parametrize('sizes', [{'fsdp': 2}, {'data': 2, 'fsdp': 4}, {'member': 2, 'fsdp': 2}])
def test_divided_parameters_train_the_same(sizes):
  _, found = run(**sizes)
  _, alone = run(1)
  assert len(set(alone['loss'][:, 0].tolist())) == 20
  np.testing.assert_array_equal(found['examples'][:, 0], alone['examples'][:, 0])
  np.testing.assert_allclose(found['loss'][:, 0], alone['loss'][:, 0], rtol=1e-5)


@pytest.mark.slow
def test_divided_parameters_train_the_same_in_double():
  np.testing.assert_allclose(
    run(2, double=True)[1]['loss'], run(1, double=True)[1]['loss'], rtol=1e-9)


def test_evaluations_are_the_same():
  logits = []
  for fsdp in (1, 2):
    made, _ = run(fsdp)
    fresh = on_mesh.Run(made.placement)  # of the first step: no rounding in between
    logits.append(fresh.evaluate(*next(fresh.feeds(0, 1))))
  np.testing.assert_allclose(*logits, rtol=1e-5, atol=1e-6)


def test_the_best_is_saved_and_restored_where_it_lies():
  made, _ = run(2)
  chosen = made.placement.spread(np.array([True]))
  change = functools.partial(jax.jit, donate_argnums=0, out_shardings=made.layout)
  before = made.placement.fetch(made.state.params)
  state = change(state_lib.save_best)(jax.tree.map(lambda x: x.copy(), made.state), chosen)
  assert jax.tree.map(lambda x: x.sharding, state) == made.layout
  given = jax.tree.leaves((state.best, state.step))
  state = change(state_lib.restore_best)(
    state.replace(params=jax.tree.map(lambda x: 0 * x, state.params)), chosen)
  assert all(leaf.is_deleted() for leaf in given)
  assert jax.tree.map(lambda x: x.sharding, state) == made.layout
  jax.tree.map(np.testing.assert_array_equal, made.placement.fetch(state.params), before)


def test_the_state_is_donated_and_not_copied():
  made = on_mesh.Run(placement(fsdp=2), restores=True)
  arguments = made.arguments(*next(made.feeds(0, 1)))
  compiled = made.train_step.lower(*arguments).compile()
  mine = sum(leaf.addressable_shards[0].data.nbytes
             for leaf in jax.tree.leaves((made.state, arguments[1]))
             if not jax.dtypes.issubdtype(leaf.dtype, jax.dtypes.prng_key))
  assert compiled.memory_analysis().alias_size_in_bytes >= mine
  made.train_step(*arguments)
  assert all(leaf.is_deleted() for leaf in jax.tree.leaves(made.state))


def spoken(made):
  """Collectives of a training step."""
  arguments = made.arguments(*next(made.feeds(0, 1)))
  return collectives.read(made.train_step.lower(*arguments).compile().as_text())


def test_devices_exchange_gradients_once_and_nothing_else():
  """Over data=8; beside gradients, two sums of weights or losses and two counts of examples."""
  made = on_mesh.Run(placement(data=8, rules=''))
  found = spoken(made)
  assert {one.kind for one in found} == {'all-reduce'}
  large = [one for one in found if one.bytes > 16]
  assert len(large) == 1 and len(found) <= 3
  # An LSTM's two biases have one gradient; it is sent once.
  trained = sum(4 * leaf.size for name, leaf in parameters.flatten(made.state.params).items()
                if not name.endswith('lstm.bias_recurrent'))
  scalars = [array for array in large[0].result if array == 'f32[]']
  assert large[0].bytes - 4 * len(scalars) == trained
  assert sum(one.bytes for one in found) <= trained + 32


def test_members_apart_say_nothing_to_each_other():
  assert spoken(on_mesh.Run(placement(member=8, rules=''), seeds=range(8))) == []


def test_divided_parameters_are_brought_together_once_a_step():
  made = on_mesh.Run(placement(data=2, fsdp=4))
  found = collectives.totals(spoken(made))
  assert set(found) == {'all-gather', 'all-reduce'}
  divided_bytes = sum(
    4 * leaf.size for leaf, lies in zip(
      jax.tree.leaves(made.state.params), jax.tree.leaves(made.layout.params), strict=True)
    if 'fsdp' in lies.spec)
  assert found['all-gather']['bytes'] == divided_bytes


def went_on(mesh):
  """Metrics and rows of steps 4 to 8, and the state and sums before them."""
  made = on_mesh.Run(placement(**mesh), restores=True)
  made.train(0, 4, rate=1e-3)
  state = jax.tree.map(lambda x: x.copy(), made.state)
  return continued(made), state, made.arguments(*next(made.feeds(4, 5)))[1]


def continued(made):
  rows = [made.placement.fetch(feed.row).tolist() for feed, _ in made.feeds(4, 8)]
  return made.train(4, 8, rate=1e-3), rows


@pytest.mark.parametrize('mesh', [
  {'data': 4, 'fsdp': 2}, pytest.param({'data': 8}, marks=pytest.mark.slow)])
def test_a_checkpoint_goes_on_on_another_mesh(mesh, tmp_path):
  (expected, rows), state, sums = went_on(mesh)
  checkpoint.Checkpoints(tmp_path, keep=1).save(4, state, sums, {})
  for other in ({'data': 1}, {'fsdp': 2}, {'data': 2, 'fsdp': 2}):
    made = on_mesh.Run(placement(**other), restores=True)
    like = made.arguments(*next(made.feeds(4, 5)))[1]
    step, made.state, *_ = checkpoint.Checkpoints(tmp_path, keep=1).restore(made.state, like)
    assert step == 4 and jax.tree.map(lambda x: x.sharding, made.state) == made.layout
    jax.tree.map(np.testing.assert_array_equal, *map(made.placement.fetch, (
      made.state.replace(key=0), state.replace(key=0))))
    found, these = continued(made)
    assert these == rows and found['examples'].tolist() == expected['examples'].tolist()
    np.testing.assert_allclose(found['loss'], expected['loss'], rtol=1e-5)


def test_feeds_of_one_process_are_whole():
  place = placement(data=2, fsdp=2, rules='')
  assert place.local(8) == slice(0, 8)
  with pytest.raises(ValueError, match='a batch of 6 does not divide over 4 devices'):
    place.local(6)
  fed = place.feed({'row': np.arange(8)[None]})
  np.testing.assert_array_equal(place.fetch(fed)['row'], np.arange(8)[None])
  assert fed['row'].sharding.spec == PartitionSpec('member', ('data', 'fsdp'))


def test_a_mesh_that_does_not_fit_is_answered():
  with pytest.raises(ValueError, match='member=3, data=4, fsdp=1 do not multiply to the 8 devices'):
    sharding.make_mesh(3, 4, 1)
