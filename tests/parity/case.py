"""One golden case: what was run (`about`) and its numbers (`arrays`, None if it is text only)."""

import dataclasses
import difflib
import importlib
import json
import pathlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from tests.parity import kinds


@dataclasses.dataclass(frozen=True)
class Case:
  stem: str
  kind: str
  folder: pathlib.Path
  about: Mapping[str, Any]
  arrays: Mapping[str, np.ndarray] | None

  def under(self, prefix: str) -> dict[str, np.ndarray]:
    """The arrays whose key starts with `prefix`, by the rest of their key."""
    return {k[len(prefix):]: v for k, v in self.arrays.items() if k.startswith(prefix)}


def listed(folder: pathlib.Path) -> list[tuple[pathlib.Path, str, str]]:
  """(folder, stem, kind) of every case in `folder`, or in the folders right below it."""
  paths = (folder / 'index.json', *sorted(folder.glob('*/index.json')))
  indexes = [path for path in paths if path.is_file()]
  if not indexes:
    raise pytest.UsageError(f'--golden {folder}: there is no index.json in it or right below it.')
  return [(index.parent, stem, entry['kind'])
          for index in indexes for stem, entry in json.loads(index.read_text()).items()]


def load(folder: pathlib.Path, stem: str, kind: str) -> Case:
  """The case; its arrays are read without unpickling anything."""
  about, arrays = folder / f'{stem}.json', folder / f'{stem}.npz'
  loaded = None
  if arrays.is_file():
    with np.load(arrays, allow_pickle=False) as file:
      loaded = {key: file[key] for key in file.files}
  return Case(stem, kind, folder, json.loads(about.read_text()) if about.is_file() else {}, loaded)


def checker(kind: str):
  """The function that checks cases of `kind`; skips where it is not built, fails where unknown."""
  if kind not in kinds.KINDS:
    near = difflib.get_close_matches(kind, kinds.KINDS, n=3)
    pytest.fail(f'nobody knows the kind {kind!r}; near ones in tests/parity/kinds.py: {near}')
  if kinds.KINDS[kind] is None:
    pytest.skip(f'{kind} is not built yet')
  return importlib.import_module(f'tests.parity.{kinds.KINDS[kind]}').check


def assert_close(found, expected, *, relative: float, what: str, noise: float = 0.0) -> None:
  """|found - expected| <= noise + relative * (|expected| + largest |expected|).

  Elementwise, but where an element is near zero beside the largest. `noise` is for arrays whose
  true value is zero, such as the gradient of a bias on attention keys (softmax does not see it):
  there both sides are rounding errors.
  """
  found, expected = np.asarray(found), np.asarray(expected)
  assert found.shape == expected.shape, f'{what}: {found.shape}, expected {expected.shape}'
  allowed = noise + relative * (np.abs(expected) + np.abs(expected).max(initial=0))
  worst = np.abs(found - expected) - allowed
  assert (worst <= 0).all(), (
    f'{what}: off by {np.abs(found - expected).max():.3g}, largest value '
    f'{np.abs(expected).max():.3g}, relative tolerance {relative:g}')
