"""The processed data of MME2E's authors: IEMOCAP in six classes, MOSEI in six labels.

    DATA/IEMOCAP_SPLIT/{train,valid,test}_split.txt            names, one a line
         IEMOCAP_RAW_PROCESSED/meta.pkl                        name -> text, label, times
         IEMOCAP_RAW_PROCESSED/Ses01F_impro01/NAME/audio_L.wav, audio_R.wav   mel_chunks_mme2e
         IEMOCAP_HCF_FEATURES/{train,valid,test}_text_features.pt    name -> [T, 300]: hcf_text
         ..._audio_features.pt  name -> {'L', 'R': [763 or more, T]}: hcf_audio, hcf_audio1 .. 6
         ..._video_features.pt  name -> {'image_L_0': [35 or more]}: hcf_video
    DATA/MOSEI_SPLIT, MOSEI_RAW_PROCESSED                      as above; NAME/audio.wav
         MOSEI_HCF_FEATURES/mosei_senti_hcf_{train,valid,test}.pkl
                                id [n], and hcf_text, hcf_audio, hcf_video [n, T, D] as text,
                                audio, vision

`hcf_audio` are the columns of `--audio-feature-type 0`, `hcf_audio1` to `hcf_audio6` those of the
others. The .pt files are pickles like the rest. A name without an entry in meta.pkl, or without a
feature that is asked for, is an error, as in the original.
"""

import dataclasses
import functools
import pathlib
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import soundfile

from emojax.data import authors, authors_hcf, layouts, source
from emojax.features import cuts_mme2e, mel_chunks_mme2e

CLASSES = ('ang', 'exc', 'fru', 'hap', 'neu', 'sad')
EMOTIONS = ('anger', 'disgust', 'fear', 'happy', 'sad', 'surprise')
SPLITS = ('train', 'valid', 'test')


@dataclasses.dataclass(frozen=True)
class _Corpus:
  """How the two corpora differ.

  Attributes:
    key: what a name looks like.
    place: match of `key` -> index columns that a name tells of.
    label: an entry of meta.pkl -> index columns, or ValueError.
    sound: match of `key` -> its wave file below the raw folder.
    n_fft: see `mel_chunks_mme2e.extract`.
  """

  key: str
  place: Callable[[re.Match], Mapping[str, Any]]
  label: Callable[[Mapping[str, Any]], Mapping[str, Any]]
  sound: Callable[[re.Match], str]
  n_fft: int | None


def corpora() -> tuple[str, ...]:
  return tuple(_CORPORA)


def looks_for(name: str) -> str:
  """What `find` looks for, for messages."""
  return f'{name.upper()}_SPLIT/train_split.txt in itself or data'


def find(name: str, root: pathlib.Path) -> pathlib.Path | None:
  """The folder that holds the folders of a corpus: `root`, or its `data`."""
  for folder in (root, root / 'data'):
    if (folder / f'{name.upper()}_SPLIT/train_split.txt').is_file():
      return folder
  return None


def load(name: str, path: str, folder: pathlib.Path) -> authors.Authored:
  """Opens the files of a corpus in `folder`.

  Raises:
    ValueError: naming file and names where something is not what the original could have read.
  """
  corpus = _CORPORA[name]
  lists = {split: folder / f'{name.upper()}_SPLIT/{split}_split.txt' for split in SPLITS}
  meta_path = folder / f'{name.upper()}_RAW_PROCESSED/meta.pkl'
  for needed in (*lists.values(), meta_path):
    if not needed.is_file():
      raise ValueError(f'{folder} lacks {needed.relative_to(folder)}'
                       f'{authors.near(needed.name, authors.listing(needed.parent))}.')
  meta = authors_hcf.read_dict(meta_path)
  matches, rows, spoken = [], [], []
  for split, listed in lists.items():
    for match in _read_names(listed, corpus.key):
      if match[0] not in meta:
        missing = [m[0] for m in _read_names(listed, corpus.key) if m[0] not in meta]
        raise ValueError(f'{meta_path} has no entry for {len(missing):,} utterances of '
                         f'{listed.name}: {", ".join(missing[:5])}.')
      said, label = _read_entry(corpus, meta_path, match[0], meta[match[0]])
      matches.append(match)
      rows.append({'id': f'{name}/{match[0]}', 'split': split, **corpus.place(match), **label})
      spoken.append(said)
  about = {'fingerprint': authors.fingerprint([*lists.values(), meta_path])}
  return authors.make(
    authors.Authored, name, path, rows, (), about, folder=folder, spoken=spoken, said=None,
    kinds=_kinds(name, folder, about, matches, [row['split'] for row in rows]))


def _kinds(name: str, folder: pathlib.Path, about: Mapping[str, Any],
           matches: Sequence[re.Match], splits: Sequence[str]) -> dict[str, authors.Kind]:
  names, raw = [match[0] for match in matches], folder / f'{name.upper()}_RAW_PROCESSED'
  features = folder / f'{name.upper()}_HCF_FEATURES'

  def frames(pattern: str, read: Callable[[pathlib.Path], Mapping[str, np.ndarray]]):
    """A feature that is read from one file a split."""
    paths = [features / pattern.format(split) for split in SPLITS]

    def open_() -> source.Feature:
      values = []
      for split, path in zip(SPLITS, paths):
        found = read(path)
        wanted = [n for n, of in zip(names, splits) if of == split]
        missing = [n for n in wanted if n not in found]
        if missing:
          raise ValueError(f'{path} has no features of {len(missing):,} utterances of the split: '
                           f'{", ".join(missing[:5])}.')
        values += [found[n] for n in wanted]
      widths = sorted({value.shape[1] for value in values})
      if len(widths) > 1:
        raise ValueError(f'{features}: the three files have frames of {widths} numbers.')
      return authors.feature(about, map(len, values), values.__getitem__)

    there = all(path.is_file() for path in paths)
    return authors.Kind(f'{features.name}/{pattern.format("{train,valid,test}")}',
                        open_ if there else None)

  corpus = _CORPORA[name]
  sounds = [raw / corpus.sound(match) for match in matches]
  found = {'mel_chunks_mme2e': authors.Kind(
    f'{raw.name}/{corpus.sound(matches[0])} and the like',
    functools.partial(_open_mels, about, sounds, corpus.n_fft) if sounds[0].is_file() else None)}
  if name == 'mosei':
    for kind, key in (('text', 'text'), ('audio', 'audio'), ('video', 'vision')):
      found[f'hcf_{kind}'] = frames(
        'mosei_senti_hcf_{}.pkl', functools.partial(authors_hcf.read_mosei, key))
    return found
  found['hcf_text'] = frames('{}_text_features.pt', authors_hcf.read_text)
  found['hcf_video'] = frames('{}_video_features.pt', authors_hcf.read_video)
  for kind, columns in enumerate(cuts_mme2e.AUDIO_COLUMNS):
    found[f'hcf_audio{kind or ""}'] = frames(
      '{}_audio_features.pt', functools.partial(authors_hcf.read_audio, columns))
  return found


def _open_mels(about: Mapping[str, Any], sounds: Sequence[pathlib.Path], n_fft: int | None,
               ) -> source.Feature:
  """Mel frames, computed when a row is read; the lengths stand in the headers of the files."""
  def length(path: pathlib.Path) -> int:
    header = _opened(soundfile.info, path)
    return 1 + header.frames // (int(header.samplerate / 16000 * mel_chunks_mme2e.WINDOW) // 2)

  def read(row: int) -> np.ndarray:
    samples, rate = _opened(functools.partial(soundfile.read, dtype='int16', always_2d=True),
                            sounds[row])
    try:
      return mel_chunks_mme2e.extract(samples[:, 0], rate, n_fft=n_fft)
    except ValueError as error:
      raise ValueError(f'{sounds[row]}: {error}') from error

  return authors.feature(about, map(length, sounds), read)


def _opened(read: Callable[[str], Any], path: pathlib.Path) -> Any:
  try:
    return read(str(path))
  except (OSError, RuntimeError) as error:  # soundfile's own errors are RuntimeErrors
    raise ValueError(f'{path} cannot be read as sound ({error}).') from error


def _read_names(path: pathlib.Path, key: str) -> list[re.Match]:
  names = path.read_text('utf-8').split()
  found = [re.fullmatch(key, name) for name in names]
  wrong = [name for name, match in zip(names, found) if not match]
  if wrong:
    raise ValueError(f'{path}: {len(wrong):,} lines are no names of utterances: '
                     f'{", ".join(wrong[:5])}.')
  return found


def _read_entry(corpus: _Corpus, path: pathlib.Path, name: str, entry: Any,
                ) -> tuple[list[str], Mapping[str, Any]]:
  """Words and label."""
  if not isinstance(entry, dict) or not isinstance(entry.get('text'), str) or 'label' not in entry:
    raise ValueError(f"{path}: {name}: expected a dict with 'text' and 'label', found "
                     f'{entry!r:.80}.')
  try:
    return entry['text'].split(), corpus.label(entry)
  except ValueError as error:
    raise ValueError(f'{path}: {name}: {error}, not {entry["label"]!r:.60}.') from error


def _category(entry: Mapping[str, Any]) -> dict[str, Any]:
  if entry['label'] not in CLASSES:
    raise ValueError(f'expected a label of {", ".join(CLASSES)}')
  return {'emotion': entry['label']}


def _intensities(entry: Mapping[str, Any]) -> dict[str, Any]:
  values = np.asarray(entry['label'])
  if values.shape != (6,) or values.dtype.kind not in 'iufb' or not np.isin(values, (0, 1)).all():
    raise ValueError('expected six numbers, 0 or 1')
  return dict(zip(EMOTIONS, values.astype(np.float64).tolist()))


_CORPORA = {
  'iemocap': _Corpus(
    layouts.IEMOCAP_KEY, layouts.iemocap_place, _category,
    lambda key: f'{"_".join(key[0].split("_")[:2])}/{key[0]}/audio_{cuts_mme2e.side(key[0])}.wav',
    400),
  'mosei': _Corpus(
    r'(?P<video>.+)_(?P<number>\d+)',
    lambda key: {'video': key['video'], 'raw_clip_number': int(key['number'])}, _intensities,
    lambda key: f'{key[0]}/audio.wav', None),
}
