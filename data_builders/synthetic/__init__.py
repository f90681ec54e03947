"""Generated releases: miniatures of corpora that cannot be shipped, with a known best answer.

`python -m data_builders.synthetic iemocap --out data/generated` writes a raw release, file for
file as the licensed one, so that the builder which reads the one reads the other. What is in it is
drawn from a small probabilistic model (`cues`), of which `truth.json` tells all, the best possible
accuracies included.

A corpus is a module of this folder with a function `write(out, *, seed, size)`. To add one, add
its file.
"""

import importlib
import pathlib
import pkgutil
import types


def corpora() -> list[str]:
  """Names of the corpora that can be generated."""
  names = (m.name for m in pkgutil.iter_modules(__path__) if not m.name.startswith('_'))
  return sorted(n for n in names if hasattr(_module(n), 'write'))


def write(corpus: str, out: str | pathlib.Path, *, seed: int = 0, size: str = 'small'):
  """Writes a release of the corpus of that name below `out` and returns its root."""
  if corpus not in corpora():
    raise ValueError(
      f'corpus={corpus!r} is no corpus in data_builders/synthetic; '
      f'there are: {", ".join(corpora())}.'
    )
  return _module(corpus).write(out, seed=seed, size=size)


def _module(name: str) -> types.ModuleType:
  return importlib.import_module(f'{__name__}.{name}')
