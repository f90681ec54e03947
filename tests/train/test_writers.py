"""The event files are read back with TensorBoard's own reader; nothing here imports TensorFlow."""

import json
import subprocess
import sys

import jax.numpy as jnp
import numpy as np
import pytest
from clu import asynclib

from emojax.train import writers


def read_events(folder):
  from tensorboard.backend.event_processing import event_accumulator

  return event_accumulator.EventAccumulator(
    str(folder), size_guidance={event_accumulator.SCALARS: 0}).Reload()


def points(folder, tag):
  return [(event.step, event.value) for event in read_events(folder).Scalars(tag)]


def test_importing_and_writing_leaves_tensorflow_alone(tmp_path):
  program = f'''
import jax, clu.metrics, clu.parameter_overview, sys, time
start = time.perf_counter()
from emojax.train import writers
assert time.perf_counter() - start < 0.5, 'slow import'
assert 'tensorboardX' not in sys.modules
writer = writers.make_writer({str(tmp_path)!r})
report = writers.periodic_actions.ReportProgress(num_train_steps=2, writer=writer, every_steps=1)
with writers.metric_writers.ensure_flushes(writer):
  writer.write_scalars(1, {{'train/loss': 1.0}})
  for step in (1, 2):
    report(step)
writer.close()
assert 'tensorflow' not in sys.modules
'''
  subprocess.run([sys.executable, '-c', program], check=True)


def test_train_and_valid_share_a_chart(tmp_path):
  writer = writers.make_writer(tmp_path)
  for step in (10, 20):
    writer.write_scalars(step, {'train/loss': np.float32(1 / step), 'valid/loss': 2 / step,
                                'valid/emotion/ua': jnp.float32(0.5), 'steps_per_sec': 3})
  writer.close()
  assert sorted(path.name for path in (tmp_path / 'events').iterdir() if path.is_dir()) == [
    'train', 'valid']
  assert points(tmp_path / 'events/train', 'loss') == [(10, pytest.approx(0.1)),
                                                       (20, pytest.approx(0.05))]
  assert points(tmp_path / 'events/valid', 'loss') == [(10, pytest.approx(0.2)),
                                                       (20, pytest.approx(0.1))]
  assert points(tmp_path / 'events/valid', 'emotion/ua') == [(10, 0.5), (20, 0.5)]
  root = next(path for path in (tmp_path / 'events').iterdir() if path.is_file())
  assert points(root, 'steps_per_sec') == [(10, 3), (20, 3)]


def test_images_texts_sounds_histograms_and_hparams(tmp_path):
  writer = writers.make_writer(tmp_path)
  picture = np.random.default_rng(0).integers(0, 256, (6, 8, 3), np.uint8)
  writer.write_images(5, {'test/confusion': picture, 'test/faces': np.stack([picture / 255.0] * 2)})
  writer.write_texts(5, {'test/report': '    wa 0.7'})
  writer.write_audios(5, {'test/voice': np.zeros((1, 160, 1), np.float32)}, sample_rate=16000)
  writer.write_histograms(5, {'test/norms': np.arange(10.0)}, {'test/norms': 5})
  writer.write_hparams({'learning_rate': 1e-3, 'model.name': 'mat', 'layers': (1, 2), 'none': None})
  writer.close()
  events = read_events(tmp_path / 'events/test')
  tags = events.Tags()
  assert tags['images'] == ['confusion', 'faces/0', 'faces/1']
  assert tags['audio'] == ['voice/0']
  assert tags['histograms'] == ['norms']
  [image] = events.Images('confusion')
  assert (image.step, image.height, image.width) == (5, 6, 8)
  [text] = events.Tensors('report/text_summary')
  assert text.tensor_proto.string_val[0] == b'    wa 0.7'

  from tensorboard.plugins.hparams import plugin_data_pb2

  [root] = [path for path in (tmp_path / 'events').iterdir() if path.is_file()]
  content = read_events(root).SummaryMetadata('_hparams_/session_start_info').plugin_data.content
  started = plugin_data_pb2.HParamsPluginData.FromString(content).session_start_info.hparams
  assert started['learning_rate'].number_value == 1e-3
  assert started['layers'].string_value == '(1, 2)'


def test_resuming_hides_the_points_after_the_restored_step(tmp_path):
  first = writers.make_writer(tmp_path)
  for step in (10, 20, 30):
    first.write_scalars(step, {'train/loss': float(step)})
  first.close()
  second = writers.make_writer(tmp_path, resumed_at=20)
  for step in (25, 30):
    second.write_scalars(step, {'train/loss': -float(step)})
  second.close()
  assert points(tmp_path / 'events/train', 'loss') == [(10, 10), (20, 20), (25, -25), (30, -30)]


def test_other_processes_write_no_files(tmp_path):
  writer = writers.make_writer(tmp_path, just_logging=True)
  writer.write_scalars(1, {'train/loss': 1.0})
  writer.write_images(1, {'test/confusion': np.zeros((2, 2, 3), np.uint8)})
  writer.write_hparams({'a': 1})
  writer.close()
  assert not list(tmp_path.iterdir())


def test_what_cannot_be_written_is_an_error_not_a_gap(tmp_path):
  writer = writers.make_writer(tmp_path)
  writer.write_videos(1, {'test/face': np.zeros((1, 2, 4, 4, 3), np.uint8)})
  with pytest.raises(asynclib.AsyncError, match='videos are not written'):
    writer.flush()
  with pytest.raises(NotImplementedError, match='make_writer'):
    writers.metric_writers.SummaryWriter(str(tmp_path))


def test_lines_are_the_same_bytes_for_the_same_values(tmp_path):
  log = writers.MetricsLog(tmp_path / 'deep' / 'metrics.jsonl')
  log.write(10, {'valid/ua': 0.1 + 0.2, 'train/loss': np.float32(0.1), 'best': True, 'stop': None})
  log.write(np.int64(20), {'train/loss': jnp.array([1.5, np.nan]), 'lr': float('inf'), 'n': 7})
  assert log.path.read_text() == (
    '{"best": true, "step": 10, "stop": null, "train/loss": 0.10000000149011612, '
    '"valid/ua": 0.30000000000000004}\n'
    '{"lr": "inf", "n": 7, "step": 20, "train/loss": [1.5, "nan"]}\n')
  assert [row['step'] for row in log.read()] == [10, 20]
  assert np.float32(log.read()[0]['train/loss']) == np.float32(0.1)
  with pytest.raises(ValueError, match="'step' is the line's own key"):
    log.write(30, {'step': 3})


def test_a_resumed_log_equals_an_uninterrupted_one(tmp_path):
  def run(log, steps):
    for step in steps:
      log.write(step, {'loss': 1 / step})

  whole = writers.MetricsLog(tmp_path / 'whole.jsonl')
  run(whole, range(1, 9))
  cut = writers.MetricsLog(tmp_path / 'cut.jsonl')
  run(cut, range(1, 7))
  with open(cut.path, 'a') as file:
    file.write('{"loss": 0.14')  # killed while writing

  again = writers.MetricsLog(cut.path)
  assert again.truncate(lambda row: row['step'] <= 4) == 2
  assert again.truncate(lambda row: row['step'] <= 4) == 0
  run(again, range(5, 9))
  assert again.path.read_bytes() == whole.path.read_bytes()
  assert sorted(path.name for path in tmp_path.iterdir()) == ['cut.jsonl', 'whole.jsonl']


@pytest.mark.parametrize('content, rows', [
  (b'', 0), (b'{"st', 0), (b'{"step": 1}\n{"step": 2}', 1)])
def test_a_torn_last_line_is_cut_off_when_opening(tmp_path, content, rows):
  path = tmp_path / 'metrics.jsonl'
  path.write_bytes(content)
  log = writers.MetricsLog(path)
  log.write(9, {})
  assert [row['step'] for row in log.read()] == [1][:rows] + [9]


def test_damage_inside_is_named(tmp_path):
  path = tmp_path / 'metrics.jsonl'
  path.write_text('{"step": 1}\n{"st\n{"step": 3}\n')
  with pytest.raises(ValueError, match=r'metrics.jsonl, line 2 is damaged'):
    writers.MetricsLog(path).truncate(lambda row: True)
  assert json.loads(path.read_text().splitlines()[2]) == {'step': 3}


def test_parameter_table():
  table = writers.parameter_table(
    {'dense': {'kernel': np.zeros((3, 4), np.float32), 'bias': jnp.zeros(4)}})
  assert '| dense/kernel | (3, 4) | float32 | 12   |' in table
  assert table.endswith('Total: 16 -- 64 bytes')
