"""What makes tests light: the smallest model, and programs that have one device.

To compile MAT takes five times as long, and for eight devices twice as long again; that MAT itself
trains, and on several, is tested elsewhere.
"""

import os
import re

import ml_collections

MODEL = {'name': 'late_fusion', 'hidden': 8, 'fusion': 'sum', 'dropout_input': 0.1, 'dropout': 0.2}


def light(config: ml_collections.ConfigDict) -> ml_collections.ConfigDict:
  """`config` itself, with another model of the same streams and heads."""
  config.model = MODEL
  return config


def environment() -> dict[str, str]:
  """That of a program which has one device."""
  flags = re.sub(r'device_count=\d+', 'device_count=1', os.environ['XLA_FLAGS'])
  return os.environ | {'XLA_FLAGS': flags}
