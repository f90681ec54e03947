"""A model's attention as what a person can read: over words, and over seconds of sound.

A map is a feature of `ModelOutput` that is called 'attention' or '..._weights': [B, T] over one
stream, or [B, L, T], for each position of one stream over those of another. The streams are those
in its name ('audio_weights'), else text, and audio.
"""

import inspect
import math
import pkgutil
import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from emojax import models
from emojax.features import catalogue, words
from emojax.metrics import attention_picture
from emojax.train import experiment, trained

LEAST_NOTED = 0.005  # of the weight, that lies on padding


def names(answer: trained.Answer, model: str) -> list[str]:
  """The names of a model's maps, in the order of the streams that it requires.

  Raises:
    ValueError: if it has none, with the models that have.
  """
  features = answer.output.features
  found = [name for name in features if name == 'attention' or name.endswith('_weights')]
  if not found:
    raise ValueError(
      f'the model {model} has no attention to draw: of its features ({", ".join(features)}) none '
      "is called 'attention' or '..._weights'. Runs of these have one: "
      f'{", ".join(_with_maps())} (configs/CORPUS_MODEL.py).')
  order = experiment.module('models', model, 'config.model.name').Model.requires
  return sorted(found, key=lambda name: [place for place, stream in enumerate(order)
                                         if stream in name.split('_')])


def _with_maps() -> list[str]:
  """The models whose files speak of such a feature."""
  files = (experiment.module('models', found.name, 'model')
           for found in pkgutil.iter_modules(models.__path__))
  return sorted(file.__name__.rpartition('.')[2] for file in files
                if re.search(r"'(attention|\w+_weights)':", inspect.getsource(file)))


def panels(member: trained.Trained, answer: trained.Answer) -> list[attention_picture.Panel]:
  """The maps of one utterance without padding; a map with nothing real is left out."""
  found = []
  for name in names(answer, member.opened.config.model.name):
    weights = np.asarray(answer.output.features[name])[0]
    axes, kept = [], weights
    for place, stream in enumerate(_streams(name, weights, answer.inputs)):
      axis, real = _axis(member, answer, stream, weights.shape[place])
      axes.append(axis)
      kept = kept.take(range(real), axis=place)
    if kept.size:
      asked = weights[:len(kept)] if len(axes) == 2 else weights
      outside = 1 - kept.sum() / asked.sum() if asked.any() else 0
      found.append(attention_picture.Panel(
        name, kept, *reversed(axes),
        note=f'{outside:.1%} of it lies on padding' if outside > LEAST_NOTED else ''))
  return found


def _streams(name: str, weights: np.ndarray, inputs: Mapping[str, Any]) -> tuple[str, ...]:
  """Which stream each axis of a map goes along."""
  said = tuple(word for word in name.split('_') if word in inputs)
  chosen = said if said else ('text', 'audio')[:weights.ndim]
  if weights.ndim not in (1, 2) or len(chosen) != weights.ndim or set(chosen) - set(inputs):
    raise ValueError(f'{name} {("B", *weights.shape)} cannot be drawn over the streams '
                     f'{", ".join(inputs)}: expected [B, T] or [B, L, T], and a name with their '
                     'streams, or text and audio.')
  return chosen


def _axis(member: trained.Trained, answer: trained.Answer, stream: str, size: int,
          ) -> tuple[attention_picture.Axis, int]:
  """What the `size` positions along a stream are, and how many of them are real."""
  settings, model = member.opened.config.streams[stream], member.opened.config.model
  mask = answer.inputs[stream].mask[0]
  if settings.kind == 'words':
    real = min(int(mask.sum()), size)
    return attention_picture.Axis(stream, tokens(member, answer.row, stream)[:real]), real
  if model.get('memory_layout') == 'reshape':
    return attention_picture.Axis(f'{stream}: mixtures of times and channels (memory_layout is '
                                  "'reshape'), padding among them"), size
  pooled = math.prod(model.get('pools', ()))  # samples to a position
  if size not in {whole for length in (len(mask), settings.length)
                  for whole in (-(-length // pooled), length // pooled)}:
    return attention_picture.Axis(f'{stream}: steps, padding among them'), size
  rate = _rate(member.opened.corpus.feature(settings.feature).about, settings.feature)
  axis = (attention_picture.Axis(f'{stream} (s)', step=pooled / rate) if rate else
          attention_picture.Axis(f'{stream} (steps)'))
  return axis, min(-(-int(mask.sum()) // pooled), size)


def _rate(about: Mapping[str, Any], feature: str) -> float | None:
  """Frames a second; authors' files do not say it, but have features of the catalogue by name."""
  if 'frames_per_second' in about or feature not in catalogue.FEATURES:
    return about.get('frames_per_second')
  return catalogue.FEATURES[feature].frames_per_second


def tokens(member: trained.Trained, row: int, stream: str) -> list[str]:
  """The words as they are looked up; one that the model does not know stands in <>."""
  settings = member.opened.config.streams[stream]
  said = words.tokenizer(settings.get('tokens', 'words'))(member.opened.corpus.words[row])
  known = member.data.fitted.vocabulary
  return [token if token in known else f'<{token}>' for token in said]


def title(member: trained.Trained, answer: trained.Answer) -> str:
  """Whose answer it is; then what was right and what was said, a line for each head."""
  lines = [f'{answer.id} ({answer.part} of {member.member.name})']
  for name, said in heads(member, answer).items():
    label = f'label {said["label"]}, ' if 'label' in said else ''
    share = f' ({said["share"]:.2f})' if 'share' in said else ''
    lines.append(f'{name}: {label}predicted {said["prediction"]}{share}')
  return '\n'.join(lines)


def heads(member: trained.Trained, answer: trained.Answer) -> dict[str, dict[str, Any]]:
  """Head -> its label, if there is one, its prediction, and of one class of several its share.

  The share is the softmax of the logits.
  """
  found = {}
  for head in member.heads:
    outputs = np.asarray(answer.output.heads[head.name], np.float64)  # [1, K]
    decided = head.decisions(outputs)
    label = member.data.split.targets[head.name][answer.row]
    said = {'prediction': _spelled(head.classes, outputs[0] if decided is None else decided[0])}
    if np.isfinite(label).all() and (decided is None or np.min(label) >= 0):
      said = {'label': _spelled(head.classes, label)} | said
    if np.ndim(label) == 0 and head.width == len(head.classes):
      exp = np.exp(outputs[0] - outputs.max())
      said['share'] = float(exp.max() / exp.sum())
    found[head.name] = said
  return found


def _spelled(classes: tuple[str, ...], value: np.ndarray) -> str:
  """A class by its number, classes by 0 or 1 for each, or numbers with their names."""
  if np.ndim(value) == 0:
    return classes[int(value)]
  if np.issubdtype(np.asarray(value).dtype, np.integer):
    return ' + '.join(name for name, there in zip(classes, value) if there) or 'none'
  return ', '.join(f'{name} {number:.2f}' for name, number in zip(classes, value))
