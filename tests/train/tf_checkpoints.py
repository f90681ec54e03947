"""TensorFlow checkpoints as FME's and MSE's code writes them, of the golden cases' parameters."""

import pathlib
import pickle

import numpy as np

from tests.io import assembled_bundle as assembled

GOLDEN = pathlib.Path(__file__).parents[1] / 'golden/mdre'
AUDIO, TEXT = (GOLDEN / 'ckpt' / f'pt_{name}_model' for name in ('audio', 'text'))
STEPS = 7


def case(name):
  """The arrays of a golden case."""
  with np.load(GOLDEN / f'{name}.npz', allow_pickle=False) as file:
    return {key: file[key] for key in file}


def tensors(name):
  """Variable -> values of a golden case, with what an optimizer adds."""
  random, found = np.random.default_rng(0), {}
  for key, value in case(name).items():
    if key.startswith('param/'):
      key = key.removeprefix('param/')
      found |= {key: value.astype(np.float32),
                f'{key}/Adam': random.normal(size=value.shape).astype(np.float32),
                f'{key}/Adam_1': random.uniform(size=value.shape).astype(np.float32)}
  return found | {
    'optimizer/beta1_power': np.float32(0.9) ** np.float32(STEPS + 1),
    'optimizer/beta2_power': np.float32(0.999) ** np.float32(STEPS + 1),
    'global_step': np.array(STEPS, np.int32)}


def write(folder, content, name='model'):
  """Writes a bundle; its path."""
  folder.mkdir(parents=True, exist_ok=True)
  for ending, part in assembled.bundle({k: np.asarray(v) for k, v in content.items()}).items():
    (folder / f'{name}{ending}').write_bytes(part)
  return folder / name


def write_words(folder, count):
  """Writes `dic.pkl` of so many words, padding and unknown ones among them."""
  words = ['_PAD_', '_UNK_', *(f'word{n}' for n in range(2, count))]
  (folder / 'dic.pkl').write_bytes(pickle.dumps({word: n for n, word in enumerate(words)}))
