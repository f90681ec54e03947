"""Generated releases: miniatures of corpora that cannot be shipped, with a known best answer.

`python -m data_builders.synthetic iemocap --out data/generated` writes a raw release, file for
file as the licensed one, so that the builder which reads the one reads the other. What is in it is
drawn from a small probabilistic model (`cues`), of which `truth.json` tells all, the best possible
accuracies included.

A corpus is a module of this folder with a function `write(out, *, seed, size)`. To add one, add
its file.
"""

import importlib
import os
import pathlib
import pkgutil
import tempfile
import types


def corpora() -> list[str]:
  """Names of the corpora that can be generated."""
  names = (m.name for m in pkgutil.iter_modules(__path__) if not m.name.startswith('_'))
  return sorted(n for n in names if hasattr(_module(n), 'write'))


def write(
  corpus: str, out: str | pathlib.Path, *, seed: int = 0, size: str = 'small',
  defects: bool | str = False,
) -> pathlib.Path:
  """Writes a release of the corpus of that name below `out` and returns its root.

  Args:
    corpus: one of `corpora()`.
    out: a folder; the release stands in it, or in a folder of its own below.
    seed: another seed, another release.
    size: tiny, small or full.
    defects: True: with every kind of damage that costs utterances; a name: with that one alone.

  Raises:
    ValueError: if there is no such corpus, size or defect, or something else stands there.
  """
  if corpus not in corpora():
    raise ValueError(
      f'corpus={corpus!r} is no corpus in data_builders/synthetic; '
      f'there are: {", ".join(corpora())}.'
    )
  if not defects:
    return _module(corpus).write(out, seed=seed, size=size)
  return _write_damaged(corpus, pathlib.Path(out), seed, size, None if defects is True else defects)


def _write_damaged(
  corpus: str, out: pathlib.Path, seed: int, size: str, name: str | None
) -> pathlib.Path:
  """Writes and damages a release in a hidden folder; it comes to stand in its place whole."""
  planting = _module('defects')
  planting.chosen(corpus, name)
  out = out.resolve()
  out.parent.mkdir(parents=True, exist_ok=True)
  with tempfile.TemporaryDirectory(dir=out.parent, prefix=f'.{out.name}.') as hidden:
    room = pathlib.Path(hidden).resolve()
    made = _module(corpus).write(room / 'release', seed=seed, size=size)
    root = out / made.relative_to(room / 'release')
    if root.is_file() or root.is_dir() and any(root.iterdir()):
      raise ValueError(
        f'{root} already holds something; a release with defects is generated once, into a folder '
        'of its own. Delete that folder or choose another --out.'
      )
    planting.plant(made, corpus, name, seed=seed)
    root.parent.mkdir(parents=True, exist_ok=True)
    os.replace(made, root)
  return root


def _module(name: str) -> types.ModuleType:
  return importlib.import_module(f'{__name__}.{name}')
