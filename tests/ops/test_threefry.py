"""The hash against published vectors and against jax's own."""

import jax
import numpy as np
from jax.extend import random as jax_random

from emojax.ops import threefry

hashed = jax.jit(threefry.hash_2x32)


# `kat_vectors` of Random123 (Salmon et al. 2011), threefry2x32 with 20 rounds.
KNOWN = [
  # counter, key, answer
  ((0x00000000, 0x00000000), (0x00000000, 0x00000000), (0x6B200159, 0x99BA4EFE)),
  ((0xFFFFFFFF, 0xFFFFFFFF), (0xFFFFFFFF, 0xFFFFFFFF), (0x1CB996FC, 0xBB002BE7)),
  ((0x243F6A88, 0x85A308D3), (0x13198A2E, 0x03707344), (0xC4923A9C, 0x483DF7A0)),
]


def test_known_answers():
  counters, keys, answers = np.array(KNOWN, np.uint32).transpose(1, 2, 0)
  found = hashed(tuple(keys), tuple(counters))
  np.testing.assert_array_equal(found, answers)


def test_bits_are_jaxs_own():
  random = np.random.default_rng(0)
  key = random.integers(2**32, size=2, dtype=np.uint32)
  counts = random.integers(2**32, size=(2, 50), dtype=np.uint32)
  found = hashed(tuple(key), tuple(counts))
  expected = jax_random.threefry_2x32(key, counts.ravel())
  np.testing.assert_array_equal(np.concatenate(found), expected)
  assert all(x.dtype == np.uint32 for x in found)


def test_every_counter_may_have_its_own_key():
  random = np.random.default_rng(1)
  keys, counts = random.integers(2**32, size=(2, 2, 3), dtype=np.uint32)
  found = hashed(tuple(keys), tuple(counts))
  for place in range(3):
    expected = jax_random.threefry_2x32(keys[:, place], counts[:, place])
    assert [int(x[place]) for x in found] == expected.tolist()


def test_words_of_a_key():
  high, low = threefry.words(jax.random.key(2**31 + 7))
  assert (int(high), int(low)) == (0, 2**31 + 7)
  high, low = threefry.words(jax.random.split(jax.random.key(0), 3))
  assert high.shape == low.shape == (3,)
