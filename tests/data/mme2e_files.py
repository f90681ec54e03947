"""MME2E's processed files for whole runs: of each part of its lists a few utterances, made up.

The labels change from one to the next, and every session of IEMOCAP has all of them. Frames are
random, but for their first number, which is higher where the utterance's label is.
"""

import pathlib
import pickle
from collections.abc import Mapping

import numpy as np

from emojax.protocols import parts

PER_PART = {'train': 60, 'valid': 30, 'test': 30}
CLASSES = ('ang', 'exc', 'fru', 'hap', 'neu', 'sad')
WIDTHS = {'iemocap': {'text': 300, 'audio': 763, 'video': 35},
          'mosei': {'text': 300, 'audio': 74, 'video': 35}}
LENGTH = 6  # frames at most


def write(root: pathlib.Path, widths: Mapping[str, Mapping[str, int]] = WIDTHS) -> pathlib.Path:
  """Writes both corpora below `root`; `widths`: of frames, for IEMOCAP's audio at least 763."""
  for corpus, wide in widths.items():
    _write_corpus(root, corpus, wide, np.random.default_rng(0))
  return root


def _write_corpus(root, corpus, widths, random) -> None:
  meta, upper = {}, corpus.upper()
  for split, names in _names(corpus).items():
    path = root / f'{upper}_SPLIT/{split}_split.txt'
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(''.join(f'{name}\n' for name in names))
    frames = {}
    for row, name in enumerate(names):
      label = row // 5 % 6
      said = {'label': CLASSES[label]} if corpus == 'iemocap' else {
        'label': [int(k == label or k == row % 5) for k in range(6)]}
      meta[name] = {'text': 'So it goes', **said}
      frames[name] = {kind: random.normal(size=(1 + row % LENGTH, width)).astype(np.float32)
                      for kind, width in widths.items()}
      for values in frames[name].values():
        values[:, 0] += label
    write = _write_iemocap if corpus == 'iemocap' else _write_mosei
    write(root / f'{upper}_HCF_FEATURES', split, frames)
  _dump(root / f'{upper}_RAW_PROCESSED/meta.pkl', meta)


def _names(corpus) -> dict[str, list[str]]:
  """Of each part the first few names; of IEMOCAP from all sessions in turn."""
  chosen = {}
  for split, names in parts.read_list(f'mme2e_{corpus}').items():
    if corpus == 'iemocap':
      sessions = [[name for name in names if name[4] == session] for session in '12345']
      names = [name for five in zip(*sessions) for name in five]
    chosen[split] = list(names)[:PER_PART[split]]
  return chosen


def _write_iemocap(folder, split, frames) -> None:
  _dump(folder / f'{split}_text_features.pt',
        {name: list(found['text']) for name, found in frames.items()})
  _dump(folder / f'{split}_audio_features.pt',
        {name: dict.fromkeys('LR', found['audio'].T) for name, found in frames.items()})
  _dump(folder / f'{split}_video_features.pt', {
    name: {f'image_{side}_{t}': values for side in 'LR' for t, values in enumerate(found['video'])}
    for name, found in frames.items()})


def _write_mosei(folder, split, frames) -> None:
  def padded(kind):
    return np.stack([np.pad(found[kind], [(0, LENGTH - len(found[kind])), (0, 0)])
                     for found in frames.values()])

  _dump(folder / f'mosei_senti_hcf_{split}.pkl', {
    'id': np.array(list(frames)), 'vision': padded('video'), 'audio': padded('audio'),
    'text': padded('text')})


def _dump(path, content) -> None:
  path.parent.mkdir(parents=True, exist_ok=True)
  path.write_bytes(pickle.dumps(content, protocol=4))
