"""Small tables written by hand, for tests."""

import json
import pickle

import numpy as np

IDS = ['u1', 'u2', 'u3', 'u4', 'u5', 'u6']

# what a minimal description says; tests state differences
PLAIN = {
  'about': 'made for a test', 'licence': 'none',
  'files': [{
    'id': 'key', 'columns': {'speaker': 'who', 'emotion': 'what'},
    'features': {'voice': 'voice'}}]}


def arrays(**changes):
  """Keys of a table of six utterances."""
  return {
    'key': np.array(IDS), 'who': np.array(list('aabbcc')), 'what': np.array(['sad', 'neu'] * 3),
    'voice': np.arange(12, dtype=np.float64).reshape(6, 2)} | changes


def write_npz(path, **changes):
  np.savez(path, **{key: value for key, value in arrays(**changes).items() if value is not None})
  return path


def write_json(path, value):
  path.write_text(json.dumps(value))
  return path


def write_pickle(path, value, protocol=4):
  path.write_bytes(pickle.dumps(value, protocol))
  return path


def mmsa(*, aligned, sizes=(('train', 3), ('valid', 2), ('test', 2)), steps=4):
  """MMSA's file with clips of 1, 2, 3 ... words; numbers are made from the place they stand in."""
  made = {}
  for split, size in sizes:
    lengths = np.minimum(np.arange(size) + 1, steps)
    real = np.arange(steps) < lengths[:, None]
    frames = np.where(real[..., None], 1 + np.arange(size * steps * 3).reshape(size, steps, 3), 0)
    made[split] = {
      'id': [f'{split}vid$_${clip}' for clip in range(size)],
      'raw_text': np.array([f'THIS IS {split} {clip}' for clip in range(size)], object),
      'text': np.ones((size, steps, 5), np.float32),  # BERT's output is not zero where padded
      'text_bert': np.stack([np.ones_like(real), real, np.zeros_like(real)], 1).astype(np.float32),
      'audio': frames.astype(np.float32), 'vision': frames[..., :2].astype(np.float64),
      'regression_labels': np.linspace(-3, 3, size).astype(np.float32),
      'classification_labels': np.arange(size, dtype=np.float32),
      'annotations': ['Negative'] * size}
    if not aligned:
      made[split] |= {'audio_lengths': lengths.tolist(), 'vision_lengths': lengths.tolist()}
  return made
