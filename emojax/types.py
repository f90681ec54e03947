"""The few types that everything shares, and the legend of axis letters.

B batch, T time (any stream), F video frames, D features, H heads (or hidden width inside a
recurrent layer), K classes, Q and S query and source positions, M members of a group (or modalities
in fusion).

`mask` is always boolean, True where real.
"""

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

import flax.struct
import jax
import numpy as np

Array = jax.Array | np.ndarray  # a batch is numpy until it is put on devices


@flax.struct.dataclass
class Stream:
  """One modality. An absent one has a mask that is False everywhere."""

  values: Array  # [B, T, ...]: token ids [B, T], frames [B, T, D]; a fixed vector has T = 1
  mask: Array  # bool [B, T], True where real


@flax.struct.dataclass
class Batch:
  """What one step reads."""

  inputs: Mapping[str, Stream]  # 'text', 'audio', 'video', 'context', ...
  targets: Mapping[str, Array]  # head name -> [B] int | [B, K] 0/1 or soft | [B, 2] values
  weight: Array  # [B] float, 0 on filler rows
  index: Array  # [B] int, row in the dataset; -1 on filler rows


@flax.struct.dataclass
class ModelOutput:
  """What every model returns."""

  heads: Mapping[str, Array]  # head name -> [B, width], logits or values
  features: Mapping[str, Array]  # named intermediates (fused vector, attention maps)
  aux_loss: Mapping[str, Array]  # scalars that a model adds by itself


@dataclasses.dataclass(frozen=True)
class StreamSpec:
  """What a model must know of a stream before it sees one.

  Attributes:
    width: feature width D; for token ids the width of a word vector.
    length: longest padded length T.
    vocabulary_size: number of token ids (0: the stream holds frames).
    vectors: [vocabulary_size, width] initial word vectors, or None for random ones.
  """

  width: int
  length: int
  vocabulary_size: int = 0
  vectors: np.ndarray | None = None


Tree = Any  # a nested dict of arrays

MODALITIES = ('text', 'audio', 'video')
_HEARD_TOO = {'prosody': 'audio'}  # stream -> the modality that it is of, where it has another name


def modality_of(stream: str) -> str:
  """The modality that a stream is of; an unknown name stays itself."""
  return _HEARD_TOO.get(stream, stream)


def modalities_of(streams: Iterable[str]) -> list[str]:
  """The modalities that streams of these names are of, each once."""
  found = {modality_of(name) for name in streams}
  return [name for name in MODALITIES if name in found] + sorted(found.difference(MODALITIES))
