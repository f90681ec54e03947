"""A batch laid over devices trains the recurrent models as on one; MAT's case is `test_step`'s."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import NamedSharding, PartitionSpec

from emojax.io import parameters
from emojax.tasks import single_label
from emojax.train import functional, sharding
from tests.models import test_contract as contract

SLOW = 'fme_audio', 'fme_text', 'fme_text_init', 'mse_are', 'mse_mdre', 'mse_tre'
HEAD = single_label.Head('emotion', tuple('abcd'))


@pytest.mark.parametrize(
  'name', ['fme_attn', 'mse_mdrea', *(pytest.param(name, marks=pytest.mark.slow) for name in SLOW)])
def test_the_number_of_devices_changes_nothing(name):
  with jax.enable_x64(True):
    graph, params, state, streams = contract.built(name, True)
    inputs = {stream: contract.batch()[stream] for stream in streams}

    def loss(params, inputs):  # dropout is drawn, by the row
      output, _ = functional.apply(graph, params, state, inputs, key=jax.random.key(1))
      logits = output.heads['emotion']
      return HEAD.reduce(HEAD.loss(logits, contract.TARGETS['emotion']), jnp.ones(4)), logits

    def found(devices):
      mesh = sharding.make_mesh(1, devices, 1)
      there = NamedSharding(mesh, PartitionSpec(('data', 'fsdp')))
      whole = NamedSharding(mesh, PartitionSpec())
      step = jax.jit(jax.value_and_grad(loss, has_aux=True), compiler_options=contract.QUICK)
      (value, logits), gradients = step(
        jax.device_put(params, whole), jax.device_put(inputs, there))
      return jax.device_get((value, logits, parameters.flatten(gradients)))

    (value, logits, gradients), (one, alone, wanted) = found(4), found(1)
  assert np.isfinite(one) and len(np.unique(alone, axis=0)) == 4
  np.testing.assert_allclose(value, one, rtol=1e-12)
  np.testing.assert_allclose(logits, alone, rtol=1e-11, atol=1e-13)
  for path, gradient in gradients.items():
    np.testing.assert_allclose(gradient, wanted[path], rtol=1e-9, atol=1e-13, err_msg=path)
