"""Attention against loops over batch, head and query."""

import jax
import numpy as np
import pytest

from emojax.ops import attention


def test_heads_are_neighbouring_features():
  x = np.arange(12.0).reshape(1, 2, 6)  # [B, T, heads * d]
  np.testing.assert_array_equal(
    attention.split_heads(x, 3)[0],
    [[[0, 1], [6, 7]], [[2, 3], [8, 9]], [[4, 5], [10, 11]]])
  np.testing.assert_array_equal(attention.join_heads(attention.split_heads(x, 3)), x)


@pytest.mark.parametrize('empty', ['zero', 'uniform'])
def test_weights_are_those_of_a_loop(empty):
  random = np.random.default_rng(0)
  b, h, q, s, d = 3, 2, 4, 5, 3
  query, key = random.normal(size=(b, h, q, d)), random.normal(size=(b, h, s, d))
  mask = np.arange(s)[None] < np.array([[5], [2], [0]])
  expected = np.zeros((b, h, q, s))
  for row in range(b):
    for head in range(h):
      for place in range(q):
        scores = [query[row, head, place] @ key[row, head, source] / d**0.5 for source in range(s)]
        real = [source for source in range(s) if mask[row, source]]
        total = sum(np.exp(scores[source]) for source in real)
        for source in real:
          expected[row, head, place, source] = np.exp(scores[source]) / total
        if not real and empty == 'uniform':
          expected[row, head, place] = 1 / s
  with jax.enable_x64(True):
    found = jax.jit(attention.weights, static_argnames='empty')(query, key, mask, empty=empty)
    np.testing.assert_allclose(found, expected, rtol=1e-13)
