"""Modalities that are hidden from a model: at random while it is trained, or some by name.

A hidden stream has a mask that is False everywhere, so that any model can do without it that can do
with an utterance which lacks it.
"""

from collections.abc import Iterable, Mapping, Sequence

import jax
import jax.numpy as jnp

from emojax import near
from emojax.types import Array, Stream, modalities_of, modality_of

Inputs = Mapping[str, Stream]


def at_random(inputs: Inputs, rate: float, key: Array, rows: Array | None = None) -> Inputs:
  """Hides each modality of each utterance with probability `rate`, but never its last one.

  Of those that an utterance has, the one with the highest draw always stays.

  Args:
    rows: [B], where these examples stand in the batch of the step, if they are a part of it.
  """
  names = modalities_of(inputs)
  number = len(next(iter(inputs.values())).mask)
  rows = jnp.arange(number) if rows is None else rows
  there = jnp.stack([_there(inputs, name) for name in names], axis=1)
  draws = jax.vmap(lambda row: jax.random.uniform(jax.random.fold_in(key, row), (len(names),)))(
    rows)
  draws = jnp.where(there, draws, -1)
  shown = (draws >= rate) | (draws == draws.max(1, keepdims=True))
  return {name: _masked(stream, shown[:, names.index(modality_of(name))])
          for name, stream in inputs.items()}


def all_but(inputs: Inputs, modalities: Sequence[str]) -> Inputs:
  """Hides what is of none of the `modalities`; () hides nothing."""
  return {name: stream if not modalities or modality_of(name) in modalities
          else _masked(stream, jnp.zeros(len(stream.mask), bool))
          for name, stream in inputs.items()}


def check_rate(rate: float, streams: Iterable[str]) -> None:
  """Refuses a rate that hides everything, or a single modality."""
  if not 0 <= rate < 1:
    raise ValueError(f'config.modality_dropout={rate}: expected 0 <= rate < 1.')
  names = modalities_of(streams)
  if rate and len(names) < 2:
    raise ValueError(f'config.modality_dropout={rate}: of {", ".join(names)} alone nothing can be '
                     'hidden; set it to 0.')


def choose(wanted: str, streams: Iterable[str]) -> list[tuple[str, ...]]:
  """The sets of modalities that 'text,audio; video' names, or 'every' set; () stands for all.

  Raises:
    ValueError: for a modality that is none of the run's.
  """
  names = modalities_of(streams)
  if wanted == 'every':
    sets = [{name for n, name in enumerate(names) if number >> n & 1}
            for number in range(1, 2 ** len(names))]
    sets.sort(key=len)
  else:
    sets = [{name.strip() for name in part.split(',')} - {''} for part in wanted.split(';')]
    sets = [chosen for chosen in sets if chosen]
  unknown = sorted(set().union(*sets) - set(names))
  if unknown or not sets:
    said = (f'there is no {unknown[0]!r}{near.hint(unknown[0], names)}' if unknown else
            'nothing is named')
    raise ValueError(f'--modalities={wanted}: {said}; the run was trained with {", ".join(names)}. '
                     "Expected some of them ('text,audio'), several sets ('text; text,audio'), or "
                     "'every'.")
  listed = [tuple(name for name in names if name in chosen) for chosen in sets]
  return list(dict.fromkeys(() if len(chosen) == len(names) else chosen for chosen in listed))


def _there(inputs: Inputs, modality: str) -> Array:
  """Which utterances have anything of a modality, bool [B]."""
  return jnp.stack([stream.mask.any(1) for name, stream in inputs.items()
                    if modality_of(name) == modality]).any(0)


def _masked(stream: Stream, shown: Array) -> Stream:
  return Stream(stream.values, stream.mask & shown[:, None])
