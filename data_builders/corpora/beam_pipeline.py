"""Computes a feature with Apache Beam (the extra `beam`), on one machine or on many.

A pipeline reads `base` and fills the folder of a feature's cached values; the usual build then
writes them, so that order and files are those of any other build. All workers must see the data
folder: on many machines, a file system that they share.
"""

import functools
import importlib.util
import pathlib
from collections.abc import Sequence

from data_builders.corpora import feature_cache, from_base
from emojax.features import catalogue
from emojax.io import prepared


def require() -> None:
  """Raises ValueError, with the command that installs it, if Beam is not installed."""
  if not importlib.util.find_spec('apache_beam'):
    raise ValueError("--beam needs the package apache-beam, which is not installed: pip install "
                     "'emojax[beam]'")


def fill(
  base: pathlib.Path, feature: catalogue.Feature, folder: pathlib.Path, options: Sequence[str],
) -> None:
  """Computes the values of all rows of the prepared `base` that are not in `folder` yet.

  Args:
    options: of the pipeline, such as '--runner=FlinkRunner'.

  Raises:
    ValueError: if the workers' values do not arrive in `folder`.
  """
  import apache_beam as beam  # an extra
  from apache_beam.options import pipeline_options

  compute = functools.partial(
    _compute, base=str(base), cached=feature_cache.cached(feature, folder))
  with beam.Pipeline(options=pipeline_options.PipelineOptions(list(options))) as pipeline:
    (pipeline | beam.Create(range(len(prepared.Dataset(base)))) | beam.Reshuffle()
     | beam.Map(compute))
  if not any(folder.glob('*')):
    raise ValueError(f'no worker of the pipeline left a value in {folder}; all of them must see '
                     'the same --data_dir, on a file system that they share.')


def _compute(row: int, base: str, cached: feature_cache.Cached) -> None:
  cached(from_base.sound(_opened(base), row))


@functools.cache
def _opened(base: str) -> prepared.Dataset:
  return prepared.Dataset(pathlib.Path(base))
