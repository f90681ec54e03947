"""What the original's `ensembling.py` says of its own checkpoints, on the IEMOCAP fixture."""

import pathlib
import re

import jax
import numpy as np
import pytest

from emojax.data import authors_mat, processed, streams
from emojax.features import words
from emojax.io import torch_files
from emojax.metrics import classification
from emojax.protocols import protocol as protocol_lib
from emojax.tasks import single_label
from emojax.train import ensemble, functional
from emojax.types import StreamSpec
from tests.parity import case as case_lib
from tests.parity import mat_network

TEXT, AUDIO = 15, 40  # what the original's loader pads IEMOCAP to


def check(case: case_lib.Case) -> None:
  about, arrays = case.about, case.arrays
  protocol = protocol_lib.load('iemocap/session1_as_published')
  corpus = processed.load('iemocap', str(case.folder / 'fixture/data'))
  split = protocol_lib.resolve(protocol, 0, corpus.index)
  rows, labels = split.rows['test'], split.targets['emotion'][split.rows['test']]
  assert [id.split('/')[1] for id in corpus.index['id'][rows].tolist()] == about['ids']
  np.testing.assert_array_equal(labels, arrays['in/target'])

  folder = case.folder / case.stem.replace('ensemble', 'ckpt')
  vocabulary, _ = authors_mat.read_word_cache(folder)
  frames = corpus.feature('logmel_mat')
  readers = (
    streams.Words([words.tokenize(said) for said in corpus.words], vocabulary,
                  StreamSpec(about['args']['word_embed_size'], TEXT, 1 + max(vocabulary.values()))),
    streams.Frames(frames.read, frames.lengths, StreamSpec(frames.width, AUDIO)))
  x, y = (streams.pad(reader, rows, reader.spec.length).values for reader in readers)
  np.testing.assert_array_equal(x, arrays['in/x'])

  order = ensemble.order(path.name for path in folder.glob('best*'))
  assert order == about['checkpoints_in_order']
  logits = [_logits(folder / name, x, y) for name in order[:len(arrays['out/logits'])]]
  together = ensemble.mean_logits(logits)
  for found, key in ((logits, 'out/logits'), (together, 'out/ensemble_mean_logits')):
    assert all(one.dtype == np.float32 for one in found)
    case_lib.assert_close(np.stack(found), arrays[key], relative=1e-5, what=key)
  copies = list(folder.glob(f'*_{order[0]}'))  # the same parameters in other containers
  assert len(copies) >= 2
  for path in copies:
    np.testing.assert_array_equal(_logits(path, x, y), logits[0])

  head = single_label.Head('emotion', protocol.labels['emotion'].names)
  alone, joined = ([100 * head.scores(labels, one)['wa'] for one in found]
                   for found in (logits, together))
  assert alone == pytest.approx(arrays['out/accuracy'].tolist(), rel=1e-12)
  assert joined == pytest.approx(arrays['out/ensemble_accuracy'].tolist(), rel=1e-12)
  _check_said(about['stdout'], order, alone, joined, head.confusion(labels, together[-1]))


def _logits(path: pathlib.Path, x: np.ndarray, y: np.ndarray) -> np.ndarray:
  """Logits [N, 4] of a checkpoint, in float32 as the original computed them."""
  saved = torch_files.load(path)
  args, arrays = saved['args'].state, saved['state_dict']
  module, make = mat_network.build(
    {'model': args['model'], 'config': args}, len(arrays['embedding.weight']), (TEXT, AUDIO),
    args['ans_size'])
  with jax.enable_x64(False):
    model_state = functional.init(make, jax.random.key(0))[1]
    params = mat_network.imported(module, make, arrays, path.name)
    output, _ = functional.apply(
      functional.graph(make), params, model_state, mat_network.inputs(x, y))
    return np.asarray(output.heads[mat_network.HEAD])


def _check_said(said: str, order, alone, joined, matrix: np.ndarray) -> None:
  """Every number that was printed."""
  singles = re.findall(r'^Accuracy for test for model \S*/(\S+): (\S+)$', said, re.M)
  assert [name for name, _ in singles] == order[:len(alone)]
  assert [float(number) for _, number in singles] == pytest.approx(alone, rel=1e-12)
  news = re.findall(r'^New test ens. Accuracy : (\S+)$', said, re.M)
  assert list(map(float, news)) == pytest.approx(joined, rel=1e-12)
  [most] = re.findall(r'^Max ensemble w-accuracies for test : (\S+)$', said, re.M)
  assert float(most) == pytest.approx(joined[ensemble.smallest_best(joined) - 1], rel=1e-12)

  table = {line[:12].strip(): line[12:].split() for line in said.splitlines()
           if re.search(r'\d\.\d\d +\d+$', line)}
  support = classification.support(matrix)
  scores = [np.nan_to_num(score(matrix)) for score in (
    classification.precision, classification.recall, classification.f1)]  # NaN where theirs is 0
  expected = {str(c): [*(score[c] for score in scores), support[c]] for c in range(len(matrix))}
  expected |= {
    'accuracy': [np.trace(matrix) / matrix.sum(), matrix.sum()],
    'macro avg': [*(score.mean() for score in scores), matrix.sum()],
    'weighted avg': [*(np.average(score, weights=support) for score in scores), matrix.sum()]}
  assert table == {name: [*(f'{value:.2f}' for value in values[:-1]), str(values[-1])]
                   for name, values in expected.items()}
