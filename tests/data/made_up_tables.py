"""Tables of features that configs read, made up: random numbers in the layout of the known ones."""

import csv
import json

import numpy as np

from data_builders.corpora import table_builder, table_description
from data_builders.synthetic import mosei_features
from emojax.protocols import mosi
from tests.data_builders import hand_made_tables as made

RANDOM = np.random.default_rng(0)


def write(folder):
  """Writes and prepares all of them below `folder`; gives what `config.data.path` names."""
  generated = mosei_features.write(folder, size='tiny')
  files = {'iemocap/sessions1_4': [_iemocap(folder / 'iemocap.npz')],
           'mosi/bclstm': _mosi(folder / 'mosi.npz', folder / 'mosi.csv'),
           'mosi/mmsa_aligned': [_mmsa(folder / 'mosi.pkl')],
           'mosei/mmsa_aligned': [_mmsa(folder / 'mosei.pkl')],
           'mosei/generated': [generated / 'features.npz', generated / 'labels.csv']}
  for table, paths in files.items():
    corpus, name = table.split('/')
    known = json.loads((table_description.TABLES / f'{name}.json').read_text())
    mine = folder / f'{name}.json'
    mine.write_text(json.dumps(known | {'complete': False}))  # published counts do not hold
    table_builder.prepare_table(corpus, name, paths, folder / 'prepared', description=mine)
  return folder / 'prepared'


def _mmsa(path):
  """Clips of videos that the standard folds of CMU-MOSI have."""
  sizes = {'train': 20, 'valid': 6, 'test': 6}
  content = made.mmsa(aligned=True, sizes=tuple(sizes.items()))
  for split, videos in zip(sizes, (mosi.TRAIN, mosi.VALID, mosi.TEST)):
    content[split]['regression_labels'] = np.linspace(-2, 3, sizes[split]).astype(np.float32)
    content[split]['id'] = [f'{videos[clip // 2]}$_${clip}' for clip in range(sizes[split])]
  return made.write_pickle(path, content)


def _numbers(rows, width):
  return RANDOM.normal(size=(rows, width)).astype(np.float32)


def _iemocap(path):
  """Each of eight speakers says two sentences of each emotion."""
  said = [(f'Ses0{session}{gender}', emotion, turn) for session in range(1, 5) for gender in 'FM'
          for emotion in ('neu', 'hap', 'sad', 'ang') for turn in range(2)]
  speakers, emotions, _ = zip(*said)
  np.savez(
    path, utterance_id=np.array([f'{s}_impro01_{s[-1]}{i:03d}' for i, s in enumerate(speakers)]),
    dialogue_id=np.array([f'{s}_impro01' for s in speakers]), speaker=np.array(speakers),
    session=np.array([int(s[4]) for s in speakers], np.int8), category=np.array(emotions),
    start_sec=np.arange(len(said), dtype=np.float32),
    end_sec=np.arange(len(said), dtype=np.float32) + 1, vad=np.full((len(said), 3), 2.5, 'f4'),
    audio_egemaps47=_numbers(len(said), 47), audio_simple8=_numbers(len(said), 8),
    text_lsa200=_numbers(len(said), 200))
  return path


def _mosi(features, utterances):
  """Three clips of every video of the bc-LSTM's division."""
  videos = [(video, part) for part, names in
            (('train', mosi.TRAIN_BCLSTM), ('test', mosi.TEST_BCLSTM)) for video in names]
  rows = [{'utterance_id': f'{video}_{clip}', 'video_id': video, 'index': clip,
           'split_bclstm': part, 'split_standard': 'train', 'sentiment': (-1.0, 0.4, 1.0)[clip],
           'transcript': 'A GOOD FILM'} for video, part in videos for clip in range(3)]
  np.savez(features, utterance_id=np.array([row['utterance_id'] for row in rows]),
           text=_numbers(len(rows), 100), audio=_numbers(len(rows), 73),
           video=_numbers(len(rows), 100))
  with utterances.open('w', newline='', encoding='utf-8') as file:
    writer = csv.DictWriter(file, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
  return [features, utterances]
