"""What is hidden, how often, and that nobody is left without anything."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from emojax.train import hiding
from emojax.types import Stream

ROWS = 4000


def inputs(rows=ROWS):
  """Every fourth utterance lacks video, every eighth has audio alone, the last has nothing."""
  there = {name: np.ones((rows, 2), bool) for name in ('text', 'audio', 'prosody', 'video')}
  there['video'][::4] = False
  there['text'][::8] = False
  for mask in there.values():
    mask[-1] = False
  return {name: Stream(jnp.ones((rows, 2, 3)), jnp.asarray(mask)) for name, mask in there.items()}


def shown(found):
  return {name: np.asarray(stream.mask.any(1)) for name, stream in found.items()}


def test_each_is_hidden_as_often_as_the_rate_says_but_never_the_last_one():
  before, rate = shown(inputs()), 0.3
  after = shown(hiding.at_random(inputs(), rate, jax.random.key(0)))
  assert all((after[name] <= before[name]).all() for name in before)
  of = lambda there: np.stack([there[name] for name in ('text', 'audio', 'video')], 1)
  before, after = of(before), of(after)
  np.testing.assert_array_equal(after.any(1), before.any(1))
  alone = before.sum(1) == 1
  np.testing.assert_array_equal(after[alone], before[alone])
  all_three = before.all(1)
  # all are drawn to be hidden in rate^3 of the cases, of which one in three stays
  expected = 1 - rate + rate**3 / 3
  np.testing.assert_allclose(after[all_three].mean(0), expected, atol=0.03)


def test_streams_of_one_modality_go_together():
  after = shown(hiding.at_random(inputs(), 0.5, jax.random.key(1)))
  np.testing.assert_array_equal(after['audio'], after['prosody'])


def test_a_draw_depends_on_key_and_row_alone():
  key, every = jax.random.key(2), inputs()
  whole = shown(hiding.at_random(every, 0.4, key))
  rows = jnp.array([7, 2, 11])
  part = shown(hiding.at_random(jax.tree.map(lambda x: x[rows], every), 0.4, key, rows))
  for name, mask in part.items():
    np.testing.assert_array_equal(mask, whole[name][rows])
  other = shown(hiding.at_random(every, 0.4, jax.random.key(3)))
  assert (other['text'] != whole['text']).mean() > 0.2


def test_all_but_some():
  found = shown(hiding.all_but(inputs(), ('audio',)))
  before = shown(inputs())
  assert not found['text'].any() and not found['video'].any()
  np.testing.assert_array_equal(found['audio'], before['audio'])
  np.testing.assert_array_equal(found['prosody'], before['prosody'])
  assert hiding.all_but(inputs(4), ())['text'].mask[1].all()


STREAMS = ('prosody', 'video', 'text', 'audio')


@pytest.mark.parametrize('wanted, sets', [
  ('text', [('text',)]),
  ('audio, text', [('text', 'audio')]),
  ('video; text,video;video', [('video',), ('text', 'video')]),
  ('video,audio,text', [()]),
  ('every', [('text',), ('audio',), ('video',), ('text', 'audio'), ('text', 'video'),
             ('audio', 'video'), ()]),
])
def test_sets_of_modalities_by_name(wanted, sets):
  assert hiding.choose(wanted, STREAMS) == sets


@pytest.mark.parametrize('wanted, message', [
  ('txt', "there is no 'txt' .did you mean 'text'.*; the run was trained with text, audio, video"),
  ('prosody', "there is no 'prosody'"),
  (' ; ', 'nothing is named'),
])
def test_wrong_names_are_answered(wanted, message):
  with pytest.raises(ValueError, match=message):
    hiding.choose(wanted, STREAMS)


def test_rates_that_hide_everything_are_refused():
  hiding.check_rate(0.0, ['text'])
  with pytest.raises(ValueError, match='expected 0 <= rate < 1'):
    hiding.check_rate(1.0, STREAMS)
  with pytest.raises(ValueError, match='of audio alone nothing can be hidden'):
    hiding.check_rate(0.5, ['audio', 'prosody'])
