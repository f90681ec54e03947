"""From a table of features to a result that says what its features had seen."""

import json

import numpy as np
import pytest

from configs import mosi_late_fusion
from data_builders.corpora import table_builder, table_description
from emojax.io import files
from emojax.protocols import mosi
from emojax.train import experiment, finished, loop, sharding
from tests.data_builders import hand_made_tables as made


@pytest.fixture(scope='module')
def data(tmp_path_factory):
  """A table like that of the bc-LSTM: two clips per video, features of the sentiment and noise."""
  folder = tmp_path_factory.mktemp('table')
  rng = np.random.default_rng(0)
  parts = {'train': mosi.TRAIN_BCLSTM, 'test': mosi.TEST_BCLSTM}
  videos = [(name, part) for part, names in parts.items() for name in names for _ in range(2)]
  sentiment = rng.uniform(-3, 3, len(videos))
  ids = np.array([f'{name}_{clip % 2}' for clip, (name, _) in enumerate(videos)])
  vectors = {name: sentiment[:, None] + rng.normal(size=(len(videos), 4))
             for name in ('text', 'audio', 'video')}
  np.savez(folder / 't.npz', utterance_id=ids, **vectors)
  lines = ['utterance_id,video_id,index,split_bclstm,split_standard,sentiment,transcript'] + [
    f'{id},{name},{clip % 2},{part},,{score},WORDS' for clip, (id, (name, part), score)
    in enumerate(zip(ids, videos, sentiment))]
  (folder / 't.csv').write_text('\n'.join(lines) + '\n')
  description = files.read_json(table_description.TABLES / 'bclstm.json') | {'complete': False}
  table_builder.prepare_table(
    'mosi', 'bclstm', [folder / 't.npz', folder / 't.csv'], folder / 'data',
    description=made.write_json(folder / 'd.json', description))
  return folder / 'data'


def config(data, **changes):
  c = mosi_late_fusion.get_config('tiny')
  c.data.path = str(data)
  c.mesh.data = 1
  c.update_from_flattened_dict(changes)
  return c


def opened_experiment(c):
  return experiment.Experiment(c, sharding.make_placement(**c.mesh))


def test_every_result_says_first_that_validation_is_contaminated(data, tmp_path):
  report = loop.train_and_evaluate(config(data), tmp_path / 'run')
  first = report.splitlines()[:2]
  assert [line.partition(':')[0] for line in first] == ['validation contaminated'] * 2
  assert '(text)' in first[0] and '(video)' in first[1] and '(audio)' not in report
  rows = json.loads((tmp_path / 'run/result.json').read_text())
  assert rows and all(row['notice'] == '\n'.join(first) for row in rows)
  assert json.loads((tmp_path / 'run/run.json').read_text())['about']['notices'] == first
  again = finished.open_run(str(tmp_path / 'run'))
  assert again.report('test') == report
  assert again.protocol.notice == '\n'.join(first)


def test_a_test_on_utterances_whose_labels_were_seen_is_refused(data):
  with pytest.raises(ValueError, match=r'mosi/sentiment2_nonneg: the test part has \d+ of \d+ '
                                       r'utterances \(text\) whose labels the feature was fitted'):
    opened_experiment(config(data, protocol='mosi/sentiment2_nonneg'))


def test_a_feature_that_saw_nothing_needs_no_words(data):
  c = config(data, protocol='mosi/sentiment2_nonneg')
  del c.streams.text, c.streams.video
  opened = opened_experiment(c)
  assert opened.protocol.notice == '' and opened.about['about']['notices'] == []


def test_as_published_says_that_its_test_was_seen(data):
  opened = opened_experiment(config(data, protocol='mosi/sentiment2_as_published'))
  lines = opened.protocol.notice.splitlines()
  assert lines[0].startswith('epoch, rate cuts and stop were chosen on the test part')
  assert sum(line.startswith('test contaminated: ') for line in lines) == 2


def test_a_table_is_named_for_the_source_that_reads_it(data):
  with pytest.raises(ValueError, match=r"config\.data\.table='bclstm' is read with con"):
    experiment.open_corpus(config(data, **{'data.source': 'records'}), 'mosi')
