"""Parameters by name: from an original's model to ours, and whether they fit."""

import re
from collections.abc import Mapping, Sequence

import numpy as np

from emojax.io import named_tensors
from emojax.types import Tree

TRANSPOSED = 'kernel'  # PyTorch keeps [out, in], a `kernel` is [in, out]


def rename(
    state_dict: Mapping[str, np.ndarray],
    table: Sequence[tuple[str, str]],
    *,
    head: str = 'emotion',
    transposed: bool = True,
) -> dict[str, np.ndarray]:
  """Our dotted path -> array, for every entry of `state_dict`.

  Args:
    table: (pattern, replacement) pairs, applied one after the other; `{head}` stands for `head`.
    transposed: a kernel stands [out, in], as PyTorch keeps it; TensorFlow's are as ours.
  """
  ours = {}
  for name, value in state_dict.items():
    path = name
    for pattern, replacement in table:
      path = re.sub(pattern, replacement.replace('{head}', head), path)
    if path in ours:
      raise ValueError(f'{name} and another parameter both become {path}; the name table is wrong.')
    value = np.asarray(value)
    turn = transposed and path.split('.')[-1] == TRANSPOSED
    ours[path] = value.T if turn else value
  return ours


def fill(abstract: Tree, values: Mapping[str, np.ndarray], source: str) -> Tree:
  """`values` in the nested form of `abstract` (a nested dict of things with a shape).

  Raises:
    ValueError: if a parameter is missing, unknown or of another shape; all of them are named.
  """
  named_tensors.check({name: tuple(leaf.shape) for name, leaf in flatten(abstract).items()},
                      {name: value.shape for name, value in values.items()}, source)
  return unflatten(values, abstract)


def flatten(tree: Tree, prefix: str = '') -> dict[str, object]:
  """Dotted path -> leaf of a nested dict."""
  if not isinstance(tree, Mapping):
    return {prefix: tree}
  flat = {}
  for key, value in tree.items():
    flat.update(flatten(value, f'{prefix}.{key}' if prefix else str(key)))
  return flat


def unflatten(flat: Mapping[str, object], like: Tree, prefix: str = '') -> Tree:
  """The inverse of `flatten`, in the nesting (and key types) of `like`."""
  if not isinstance(like, Mapping):
    return flat[prefix]
  return {key: unflatten(flat, value, f'{prefix}.{key}' if prefix else str(key))
          for key, value in like.items()}
