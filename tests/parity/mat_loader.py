"""The original's loaders on tiny processed files: keys, arrays, vocabulary, embedding, labels."""

import json

import numpy as np

from emojax.data import authors, processed, streams
from emojax.features import words
from emojax.protocols import labels as labels_lib
from emojax.protocols import protocol as protocol_lib
from emojax.types import StreamSpec
from tests.parity import case as case_lib

# dataset and its arguments -> our protocol; where it is None, the fixture lacks validation videos
PROTOCOLS = {
  ('IEMOCAP', None, None): 'iemocap/session1_as_published',
  ('MOSI', None, True): 'mosi/sentiment2_as_published',
  ('MOSI', None, False): 'mosi/sentiment7',
  ('MOSEI', 'sentiment', False): 'mosei/sentiment7',
  ('MOSEI', 'sentiment', True): 'mosei/sentiment2',
  ('MOSEI', 'emotion', None): 'mosei/emotion6',
  ('MELD', 'emotion', None): 'meld/emotion7',
  ('MELD', 'sentiment', None): 'meld/sentiment3',
  ('VGAF', None, None): 'vgaf/affect3_as_published',
}
# the files that a set of the original is read from, where they are named otherwise
FILES = {'IEMOCAP': {'train': 'traindev', 'valid': 'test'},
         'MOSI': {'train': 'trainval', 'valid': 'test'}, 'VGAF': {'test': 'valid'}}


def check(case: case_lib.Case) -> None:
  about, arrays = case.about, case.arrays
  dataset, args = about['dataset'], about['args']
  protocol = protocol_lib.load(PROTOCOLS[dataset, args.get('task'), args.get('task_binary')])
  data = case.folder / 'fixture/data'
  corpus = processed.load(protocol.corpus, str(data))
  [labels] = protocol.labels.values()
  targets = labels.ids(corpus.index)
  # MOSI's rule for seven classes stands in the original beside a head of two
  assert len(labels.names) == about['ans_size'] or protocol.name == 'mosi/sentiment7'
  assert (labels.form == 'several classes') == (about['pred_func'] == 'multi_label')

  said = corpus.transcripts
  is_train = said.index['split'] == FILES.get(dataset, {}).get('train', 'train')
  vocabulary = words.vocabulary(
    words.tokenize(said.words[row]) for row in np.flatnonzero(is_train))
  assert list(vocabulary.items()) == list(about['token_to_ix'].items())
  vectors = dict(zip(about['glove_words'], arrays['glove/vectors'], strict=True))
  table = np.stack([vectors[token] for token in words.rows(vocabulary)])
  np.testing.assert_array_equal(table, arrays['emb'])
  assert len(table) == about['vocab_size'] and arrays['emb'].dtype == np.float32

  frames = corpus.feature('logmel_mat')
  text = streams.Words([words.tokenize(w) for w in corpus.words], vocabulary,
                       StreamSpec(12, about['l_max_len'], len(table)))
  audio = streams.Frames(frames.read, frames.lengths, StreamSpec(frames.width, about['a_max_len']))
  rows = {}
  for part, expected in about['sets'].items():
    file = FILES.get(dataset, {}).get(part, part)
    wanted = corpus.index['split'] == file
    if part != 'private':
      wanted &= labels_lib.labelled(targets)
    rows[part] = np.flatnonzero(wanted)
    keys = [id.rsplit('/', 1)[1] for id in corpus.index['id'][rows[part]].tolist()]
    assert keys == expected['keys_of_rows'], part
    x, y = (streams.pad(reader, rows[part], reader.spec.length) for reader in (text, audio))
    np.testing.assert_array_equal(x.values, arrays[f'{part}/x'])
    np.testing.assert_array_equal(y.values, arrays[f'{part}/y'])
    assert y.values.dtype == arrays[f'{part}/y'].dtype == np.float32
    np.testing.assert_array_equal(x.mask, arrays[f'{part}/x'] != 0)
    np.testing.assert_array_equal(y.mask, (arrays[f'{part}/y'] != 0).any(-1))
    if part == 'private':
      assert not labels_lib.labelled(targets[rows[part]]).any()
    else:
      np.testing.assert_array_equal(targets[rows[part]], arrays[f'{part}/target'])

  if protocol.name != 'mosi/sentiment7':
    split = protocol_lib.resolve(protocol, 0, corpus.index)
    for part in set(rows) - {'private'}:
      assert split.rows[part].tolist() == rows[part].tolist()
  _check_lists(json.loads((data / 'split_lists.json').read_text()), dataset, corpus)


def _check_lists(lists, dataset: str, corpus: authors.Authored) -> None:
  """Where the original has a list of keys, each is a row, in its order, or was left out."""
  left_out = [exclusion.id for exclusion in corpus.exclusions]
  for part in corpus.index['split'][np.sort(np.unique(
      corpus.index['split'], return_index=True)[1])].tolist():
    if f'{dataset}/{part}' in lists:
      of_part = corpus.index['split'] == part
      prefix = f'{corpus.name}/{part}/' if dataset == 'MELD' else f'{corpus.name}/'
      listed = [prefix + key for key in lists[f'{dataset}/{part}']]
      assert [id for id in listed if id not in left_out] == corpus.index['id'][of_part].tolist()
