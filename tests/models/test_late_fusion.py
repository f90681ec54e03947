"""What late fusion and the text CNN have of their own; `test_contract` has what all promise."""

import itertools

import jax
import numpy as np
import pytest
from flax import nnx

from emojax.models import late_fusion, late_fusion_recurrent, text_cnn
from emojax.train import functional
from emojax.types import Stream, StreamSpec
from tests.models import test_contract as contract

STREAMS = contract.STREAMS | {'video': StreamSpec(3, length=1)}
LATE = pytest.mark.parametrize('module', [late_fusion, late_fusion_recurrent],
                               ids=['mean', 'recurrent'])


def inputs():
  video = np.random.default_rng(1).normal(size=(4, 1, 3))
  return contract.batch() | {'video': Stream(video, np.ones((4, 1), bool))}


def built(module, streams=STREAMS, **options):
  return module.Model(streams, {'emotion': 4}, **module.PRESETS['tiny'] | options,
                      rngs=nnx.Rngs(0))


def logits(model, inputs):
  return np.asarray(model(inputs).heads['emotion'])


@LATE
@pytest.mark.parametrize('fusion', ['sum', 'concatenate'])
def test_takes_any_streams_that_there_are(module, fusion):
  for count in (1, 2, 3):
    for names in itertools.combinations(STREAMS, count):
      model = built(module, {name: STREAMS[name] for name in names}, fusion=fusion)
      assert set(model.requires) == set(names)
      found = model({name: inputs()[name] for name in names})
      assert np.isfinite(found.heads['emotion']).all()
      assert found.features['fused'].shape == (4, 16 * (count if fusion == 'concatenate' else 1))


@LATE
@pytest.mark.parametrize('fusion', ['sum', 'concatenate'])
def test_an_absent_modality_adds_nothing(module, fusion):
  model, given = built(module, fusion=fusion), inputs()
  alone = {name: logits(model, {other: stream.replace(mask=stream.mask & (other == name))
                                for other, stream in given.items()}) for name in STREAMS}
  none = np.asarray(model.readout.heads['emotion'].bias[...])[None]
  together = sum(found - none for found in alone.values()) + none  # heads are linear
  np.testing.assert_allclose(logits(model, given), together, rtol=1e-4, atol=1e-6)
  np.testing.assert_allclose(alone['text'][2:3], none)  # a row without words


@LATE
def test_no_streams_are_refused(module):
  with pytest.raises(ValueError, match='at least one stream; config.streams is empty'):
    built(module, {})


def test_each_model_reads_padding_in_front():
  for module in (late_fusion, late_fusion_recurrent, text_cnn):
    model = built(module)
    shifted = {name: Stream(np.roll(stream.values, 1, axis=1), np.roll(stream.mask, 1, axis=1))
               for name, stream in contract.padded(contract.batch()).items()}
    shifted['video'] = inputs()['video']
    np.testing.assert_allclose(logits(model, shifted), logits(model, inputs()),
                               rtol=1e-5, atol=1e-6)


def test_published_text_cnn_has_kims_parameters():
  def make(rngs):
    streams = {'text': StreamSpec(300, length=40, vocabulary_size=1000)}
    return text_cnn.Model(streams, {'emotion': 2}, **text_cnn.PRESETS['published'], rngs=rngs)

  params, _ = functional.shapes(make)
  # vectors; 100 filters over 3, 4 and 5 words with a bias each; 300 answers to 2 classes
  expected = 1000 * 300 + (3 + 4 + 5) * 300 * 100 + 300 + 300 * 2 + 2
  assert sum(leaf.size for leaf in jax.tree.leaves(params)) == expected
