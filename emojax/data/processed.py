"""Files of the original systems' authors, as a corpus: `config.data.source=processed`.

`config.data.path` names their folder, and what lies there tells whose they are: MAT's and MNT's
(`authors_mat`), FME's and MSE's (`authors_mdre`), MME2E's (`authors_mme2e`). The index is spelled
as our builders spell it, so that a protocol serves all sources.
"""

import pathlib
from collections.abc import Sequence

from emojax.data import authors, authors_mat, authors_mdre, authors_mme2e

ORIGINALS = (authors_mat, authors_mdre, authors_mme2e)


def load(
    name: str, path: str | None, *, features: Sequence[str] = (), damaged: str = 'stop',
) -> authors.Authored:
  """Opens the authors' files of a corpus below `path`.

  Args:
    features: see `source.load`; here a feature is opened when it is asked for.
    damaged: 'stop'; without checksums nobody knows what of a damaged file is right.

  Raises:
    ValueError: with what was looked for and what is there instead, or naming file and keys where
      something is not what the original could have read.
  """
  del features
  if damaged != 'stop':
    raise ValueError(f"config.data.damaged={damaged!r}: with config.data.source='processed' there "
                     "is 'stop' alone; the authors' files have no checksums.")
  known = dict.fromkeys(corpus for original in ORIGINALS for corpus in original.corpora())
  if name not in known:
    raise ValueError(f"config.data.source='processed': the authors' data has no {name!r}; there "
                     f'are: {", ".join(known)}.')
  of_corpus = [original for original in ORIGINALS if name in original.corpora()]
  sought = [original.looks_for(name) for original in of_corpus]
  if not path:
    raise ValueError("config.data.path is empty; with data.source='processed' it names the folder "
                     f"of the authors' data that holds {', or '.join(sought)}.")
  root = pathlib.Path(path).expanduser()
  found = {original: folder for original in of_corpus if (folder := original.find(name, root))}
  if len(found) > 1:
    raise ValueError(f'{root} holds files of several originals; name the folder of one: '
                     f'{", ".join(map(str, found.values()))}.')
  for original, folder in found.items():
    return original.load(name, path, folder)
  there = authors.listing(root)
  raise ValueError(
    f'{root} holds no processed {name.upper()}: there is no {", nor ".join(sought)}'
    f'{authors.near(name.upper(), there)}; it holds: {", ".join(there[:12]) or "nothing"}.')
