"""Checkpoints: what was written comes back, or what is wrong is named."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from emojax.train import checkpoint, optim
from emojax.train import step as step_lib
from emojax.train.state import TrainState


def _state(value=1.0, width=3):
  params = {'layer': {0: {'kernel': jnp.full((1, 2, width), value)}}}
  opt_state = jax.vmap(optim.build('adam').init)(params)
  return TrainState(step=jnp.array([7]), params=params, model_state={'rate': jnp.array([0.5])},
                    opt_state=opt_state, best={'params': params},
                    key=jax.random.split(jax.random.key(3), 1))


def _sums(value=0.0):
  """Running metrics as a group of one has them."""
  empty = step_lib.zero_sums((), 1)
  return jax.tree.map(lambda x: jnp.full_like(x, value), empty)


def _flip_a_bit(folder):
  victim = max((p for p in folder.rglob('*') if p.is_file()), key=lambda p: p.stat().st_size)
  content = bytearray(victim.read_bytes())
  content[len(content) // 2] ^= 1
  victim.write_bytes(content)
  return victim.name


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
  """Three steps were saved, two are kept."""
  folder = tmp_path_factory.mktemp('checkpoints')
  kept = checkpoint.Checkpoints(folder, keep=2)
  for step in (1, 2, 3):
    kept.save(step, _state(float(step)), _sums(step), {'progress': {'best': 0.1 + step}})
  return folder


def test_the_latest_come_back_with_keys_and_counters(folder):
  kept = checkpoint.Checkpoints(folder, keep=2)
  assert kept.steps() == [2, 3]
  step, state, sums, meta = kept.restore(_state(), _sums())
  assert (step, meta) == (3, {'progress': {'best': 3.1}})
  saved = _state(3.0), _sums(3.0)
  assert jax.tree.structure((state, sums)) == jax.tree.structure(saved)
  for found, expected in zip(jax.tree.leaves((state, sums)), jax.tree.leaves(saved), strict=True):
    if jnp.issubdtype(found.dtype, jax.dtypes.prng_key):
      found, expected = jax.random.key_data(found), jax.random.key_data(expected)
    np.testing.assert_array_equal(found, expected)


def test_a_model_without_state_comes_back(tmp_path):
  kept, state = checkpoint.Checkpoints(tmp_path, keep=2), _state(2.0)
  state = state.replace(model_state={}, best={'params': state.params, 'model_state': {}})
  kept.save(1, state, _sums(), {})
  _, found, _, _ = kept.restore(state, _sums())
  assert jax.tree.structure(found) == jax.tree.structure(state) and found.model_state == {}
  best, _ = kept.read_best()
  np.testing.assert_array_equal(best['params']['layer']['0']['kernel'], np.full((1, 2, 3), 2.0))
  assert best['model_state'] == {}


def test_another_model_is_refused_by_the_names_of_its_parameters(folder):
  with pytest.raises(ValueError, match=r'layer.0.kernel is \(1, 2, 3\), expected \(1, 2, 4\)'):
    checkpoint.Checkpoints(folder, keep=2).restore(_state(width=4), _sums())


def test_damage_is_named_and_the_one_before_is_used(folder):
  kept = checkpoint.Checkpoints(folder, keep=2)
  name = _flip_a_bit(folder / '3')
  assert name in kept.damage(3)
  assert kept.restore(_state(), _sums())[0] == 2
  _flip_a_bit(folder / '2')
  with pytest.raises(ValueError, match='every checkpoint in .* is damaged'):
    kept.restore(_state(), _sums())


def test_a_step_without_checksums_was_never_finished(tmp_path):
  kept = checkpoint.Checkpoints(tmp_path, keep=2)
  assert kept.restore(_state(), _sums()) is None
  kept.save(1, _state(), _sums(), {})
  (tmp_path / '1.json').unlink()
  assert kept.restore(_state(), _sums()) is None


def test_a_damaged_seal_is_a_damaged_step(tmp_path, caplog):
  kept = checkpoint.Checkpoints(tmp_path, keep=3)
  for step in (1, 2, 3):
    kept.save(step, _state(float(step)), _sums(), {})
  seal = tmp_path / '3.json'
  seal.write_bytes(seal.read_bytes().replace(b'self', b'felf'))
  (tmp_path / '2.json').write_bytes(b'{')
  assert kept.restore(_state(), _sums())[0] == 1
  assert all(f'{step}.json' in caplog.text for step in (2, 3))


def test_what_is_saved_after_going_back_outlives_what_was_damaged(tmp_path):
  kept = checkpoint.Checkpoints(tmp_path, keep=2)
  for step in (10, 20):
    kept.save(step, _state(float(step)), _sums(), {})
  _flip_a_bit(tmp_path / '20')
  assert kept.restore(_state(), _sums())[0] == 10
  kept.save(15, _state(15.0), _sums(), {})
  assert kept.steps() == [10, 15]


def test_what_a_killed_save_has_left_goes_with_the_next_one(tmp_path):
  kept = checkpoint.Checkpoints(tmp_path, keep=1)
  for litter in ('5', '6.orbax-checkpoint-tmp-7'):
    (tmp_path / litter / 'params').mkdir(parents=True)
  kept.save(8, _state(), _sums(), {})
  assert sorted(path.name for path in tmp_path.iterdir()) == ['8', '8.json']
