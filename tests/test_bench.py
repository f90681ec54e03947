"""The form of the line, what is counted, comparisons and errors; nobody's speed."""

import json
import pathlib
import subprocess
import sys

import pytest

from configs import iemocap_mat_clean
from emojax import bench
from emojax.data import streams
from emojax.performance import against, measure, peaks
from tests import light

ROOT = pathlib.Path(__file__).parents[1]


@pytest.fixture(scope='module')
def measured(data_dir):
  """Two members in one program, with two padded shapes: desk, line, rows read."""
  config = iemocap_mat_clean.get_config('tiny')
  config.data.path = str(data_dir)
  config.batch.update(size=16, evaluation_size=8, buckets={'audio': (6, 40), 'text': (15, 15)})
  config.mesh.data = 1  # compiling for eight takes long
  config.members.update(folds='0', seeds='2', mode='vmap')
  read, pad = set(), streams.pad

  def note(reader, rows, length):
    read.update(rows.tolist())
    return pad(reader, rows, length)

  with pytest.MonkeyPatch.context() as patch:
    patch.setattr(streams, 'pad', note)
    desk = measure.Desk(config)
    return desk, measure.measure(desk, rounds=2, seconds=0, say=str), read


def test_the_line_is_json_and_says_what_it_is_of(measured):
  line = json.loads(json.dumps(measured[1], allow_nan=False))
  assert line['members'] == ['session1-seed0', 'session1-seed1']
  assert line['batch'] == {'train': 16, 'eval': 8} and line['loader'] == 'resident'
  assert line['mesh'] == {'member': 1, 'data': 1, 'fsdp': 1}
  assert line['device']['kind'] == 'cpu' and line['device']['count'] == 1
  assert line['precision'] == {'parameters': 'float32', 'products': 'default'}
  assert 0 <= line['others_share'] <= 1
  assert line['rounds'] == 2 and set(line['start_s']) == {'data', 'members', 'state'}
  assert line['memory']['device_peak'] is None  # CPUs do not count it
  assert 0 < line['memory']['compiled'] < line['memory']['process_peak']
  assert line['feeding']['steps'] > 0 and 0 <= line['feeding']['waiting_share'] < 1
  for kind in ('train', 'eval'):
    low, high = line[kind]['ms']['range']
    first, third = line[kind]['ms']['quartiles']
    assert 0 < low <= first <= line[kind]['ms']['median'] <= third <= high
    assert line[kind]['utilisation'] == {
      'share': None, 'why': "no peak is known of a device 'cpu'"}


def test_every_padded_shape_is_compiled_once_and_weighs_as_often_as_it_comes(measured):
  desk, line, _ = measured
  assert line['compilations_later'] == 0
  for kind, part in measure.PARTS.items():
    plans = [lane.data.train_plan if kind == 'train' else lane.data.plans[part]
             for lane in desk.run.lanes]
    steps = [[dict(planned.lengths) for planned in plan.epoch(0)] for plan in plans]
    longest = [{name: max(a[name], b[name]) for name in a} for a, b in zip(*steps, strict=True)]
    found = line[kind]['shapes']
    assert line[kind]['compilations'] == len(found) == 2
    assert all(shape['compilations'] == 1 and shape['compile_s'] > 0 for shape in found)
    assert {(*shape['lengths'].values(), shape['steps']) for shape in found} == {
      (*lengths.values(), longest.count(lengths)) for lengths in longest}
    assert line[kind]['steps_per_epoch'] == len(longest)
    over_epoch = sum(shape['steps'] * shape['flops'] for shape in found) / len(longest)
    assert line[kind]['flops'] == pytest.approx(over_epoch, rel=1e-3)


def test_examples_are_counted_without_filler(measured):
  desk, line, _ = measured
  rows = desk.run.lanes[0].data.split.rows
  assert len(rows['train']) % 16 and len(rows['valid']) % 8  # there is filler
  for kind, part in measure.PARTS.items():
    found = line[kind]
    assert found['examples_per_epoch'] == 2 * len(rows[part])
    seconds = found['steps_per_epoch'] * found['ms']['median'] / 1e3
    assert found['examples_per_s'] == pytest.approx(2 * len(rows[part]) / seconds, rel=2e-3)


def test_nothing_of_the_test_part_is_read(measured):
  desk, _, read = measured
  rows = desk.run.lanes[0].data.split.rows
  assert read == {*rows['train'].tolist(), *rows['valid'].tolist()}
  assert not read & set(rows['test'].tolist())


def by_hand(batch, text, audio, *, hidden=16, feed_forward=24, word=12, frame=80, classes=4):
  """MAT's matrix products: LSTMs, one block of each kind, pools, the classifier."""
  lstm = lambda length, width: length * 4 * hidden * (width + hidden)
  attention = lambda queries, sources: (
    2 * (queries + sources) * hidden * hidden + 2 * queries * sources * hidden)
  mlp = lambda length: 2 * length * hidden * feed_forward
  pool = lambda length: (
    length * hidden * feed_forward + length * feed_forward + length * hidden
    + hidden * 2 * hidden)
  return 2 * batch * (
    lstm(text, word) + lstm(audio, frame)
    + attention(text, text) + mlp(text)
    + attention(audio, audio) + attention(audio, text) + mlp(audio)
    + pool(text) + pool(audio) + 2 * hidden * classes)


def test_operations_are_those_counted_by_hand(measured):
  """Loops over time included; going back takes about twice as many as going forth."""
  for kind, batch, times, tolerance in (('eval', 8, 1, 1e-9), ('train', 16, 3, 0.2)):
    for shape in measured[1][kind]['shapes']:
      expected = 2 * times * by_hand(batch, **shape['lengths'])  # two members
      assert shape['flops'] == pytest.approx(expected, rel=tolerance)
      assert shape['compiled']['loops'] and shape['compiled']['flops'] > 0
      assert shape['compiled']['collectives'] == {}  # one device


@pytest.mark.parametrize('kind, dtype, products, expected', [
  ('NVIDIA H200', 'bfloat16', 'default', (989.4e12, 'bfloat16')),
  ('NVIDIA H200', 'float32', 'default', (494.7e12, 'tensorfloat32')),
  ('NVIDIA H200', 'float32', 'highest', (66.9e12, 'float32')),
  ('NVIDIA H100 80GB HBM3', 'float32', 'high', (494.7e12, 'tensorfloat32')),
  ('NVIDIA H100 PCIe', 'bfloat16', 'default', (756e12, 'bfloat16')),
  ('NVIDIA A100-SXM4-40GB', 'float32', 'default', (156e12, 'tensorfloat32')),
  ('NVIDIA A100 80GB PCIe', 'float32', 'float32', (19.5e12, 'float32')),
  ('NVIDIA L4', 'bfloat16', 'default', (121e12, 'bfloat16')),
  ('Tesla V100-SXM2-16GB', 'float32', 'default', (15.7e12, 'float32')),
  ('TPU v4', 'float32', 'default', (275e12, 'bfloat16')),
  ('TPU v5 lite', 'bfloat16', 'default', (197e12, 'bfloat16')),
  ('TPU v5', 'bfloat16', 'default', (459e12, 'bfloat16')),
  ('TPU v6 lite', 'bfloat16', 'default', (918e12, 'bfloat16')),
])
def test_peaks_that_are_known(kind, dtype, products, expected):
  assert peaks.peak(kind, dtype, products) == expected


@pytest.mark.parametrize('kind, dtype, products', [
  ('cpu', 'float32', 'default'), ('NVIDIA GH200 480GB', 'float32', 'default'),
  ('NVIDIA H100 80GB HBM3 MIG 1g.10gb', 'bfloat16', 'default'),
  ('Tesla V100-SXM2-16GB', 'bfloat16', 'default'), ('TPU v4', 'float32', 'highest'),
  ('NVIDIA H200', 'float32', 'F64_F64_F64'), ('NVIDIA H200', 'bfloat16,float32', 'default')])
def test_peaks_that_are_not_known_are_not_guessed(kind, dtype, products):
  found, why = peaks.peak(kind, dtype, products)
  assert found is None and kind in why


def test_utilisation_is_of_all_devices():
  about = {'device': {'kind': 'NVIDIA H200', 'count': 4},
           'precision': {'parameters': 'bfloat16', 'products': 'default'}}
  assert measure.utilisation(about, 989.4e12) == {
    'share': 0.25, 'peak': 989.4e12, 'of': 'bfloat16'}
  assert measure.utilisation(about, None)['share'] is None


def test_the_spread_of_turns():
  """Every other turn was slow by half."""
  found = measure.spread([0.002, 0.003, 0.002, 0.003, 0.002])
  assert found['median'] == 2 and found['quartiles'] == [2, 3] and found['range'] == [2, 3]
  assert found['noise'] == pytest.approx(2 / 3)
  assert measure.spread([0.002])['noise'] is None


def test_others_are_those_who_are_not_us(monkeypatch):
  """Of two processors' 20 seconds 13 were busy, 8 of them with us."""
  clocks = {'_busy': [100.0, 113.0], 'process_time': [1.0, 9.0], 'perf_counter': [50.0, 60.0]}
  monkeypatch.setattr(measure, '_busy', lambda: clocks['_busy'].pop(0))
  monkeypatch.setattr(measure.os, 'cpu_count', lambda: 2)
  for name in ('process_time', 'perf_counter'):
    monkeypatch.setattr(measure.time, name, lambda name=name: clocks[name].pop(0))
  with measure.others() as taken:
    pass
  monkeypatch.undo()
  assert taken['share'] == pytest.approx(5 / 20)


class Scripted:
  """A program that notes its turns."""

  def __init__(self, name, estimate, asked):
    self.name, self.estimate, self.asked, self.times = name, estimate, asked, []

  def run(self, count):
    self.asked.append((self.name, count))
    return self.estimate


def test_rounds_change_their_order_and_fill_the_time():
  """Twelve seconds, three rounds of two programs: two seconds a turn, less an untimed step."""
  asked = []
  quick, slow = Scripted('quick', 0.1, asked), Scripted('slow', 5.0, asked)
  assert measure.take_turns([quick, slow], rounds=3, seconds=12) == 3
  assert asked == [('quick', 1), ('quick', 19), ('slow', 1), ('slow', 1),
                   ('slow', 1), ('slow', 1), ('quick', 1), ('quick', 19),
                   ('quick', 1), ('quick', 19), ('slow', 1), ('slow', 1)]
  assert quick.times == [0.1] * 3 and slow.times == [5.0] * 3
  assert measure.take_turns([Scripted('late', 1.0, asked)], rounds=9, seconds=0) == 3


STEP = {'ms': {'median': 10.0, 'quartiles': [9.0, 11.0]}, 'examples_per_s': 3200.0,
        'first_step_s': 2.0, 'compile_s': 1.5, 'compilations': 1, 'flops': 1_000_000,
        'utilisation': {'share': None, 'why': 'unknown'}, 'compiled': {'bytes': 5_000}}
LINE = {'config': 'configs/iemocap_mat.py:demo', 'overrides': {}, 'dataset': 'abc',
        'members': ['session1-seed0'], 'mesh': {'member': 1, 'data': 1, 'fsdp': 1},
        'device': {'platform': 'cpu', 'kind': 'cpu', 'count': 1, 'processor': 'P', 'cores': 2},
        'commit': 'c0ffee', 'train': STEP, 'eval': STEP,
        'feeding': {'examples_per_s': 3000.0, 'waiting_share': 0.0},
        'memory': {'device_peak': None, 'compiled': 1000, 'process_peak': 2000}}


def _changed(**changes):
  line = json.loads(json.dumps(LINE))  # nothing is shared
  for path, value in changes.items():
    *parents, last = path.split('__')
    place = line
    for parent in parents:
      place = place[parent]
    place[last] = value
  return line


def test_a_comparison_gives_ratios_and_tells_noise_from_difference():
  now = _changed(train__ms={'median': 5.0, 'quartiles': [4.9, 5.1]}, train__examples_per_s=6400.0,
                 eval__ms={'median': 10.5, 'quartiles': [10.0, 11.5]}, commit='beef')
  against.check(LINE, now)
  rows = [row.split() for row in against.table(LINE, now).splitlines()]
  assert rows[0] == ['before', 'now', 'ratio']
  assert ['train', 'step,', 'ms', '10', '5', '0.500'] in rows
  assert ['eval', 'step,', 'ms', '10', '10.5', '1.050', *'quartiles overlap: no difference'.split(
    )] in rows
  assert ['train', 'examples/s', '3,200', '6,400', '2.000'] in rows
  assert ['share', 'waiting', 'for', 'data', '0', '0', '-'] in rows
  assert ['memory', 'of', 'a', 'program', '1,000', '1,000', '1.000'] in rows
  assert not any(row[:4] == ['memory', 'of', 'a', 'device'] for row in rows)  # nobody counted it
  assert not any(row[0] == 'utilisation' for row in rows)
  assert rows[-1] == ['before:', 'c0ffee;', 'now:', 'beef']


@pytest.mark.parametrize('changes, words', [
  (dict(config='configs/iemocap_mnt.py:demo'),
   "config 'configs/iemocap_mat.py:demo' there, 'configs/iemocap_mnt.py:demo' here"),
  (dict(overrides={'batch.size': 64}), 'overrides.batch.size None there, 64 here'),
  (dict(members=['session1-seed0', 'session1-seed1']), "members .* 'session1-seed1'] here"),
  (dict(device__kind='NVIDIA H200', device__cores=16),
   "device.cores 2 there, 16 here; device.kind 'cpu' there, 'NVIDIA H200' here"),
  (dict(mesh__data=4), 'mesh.data 1 there, 4 here'),
  (dict(dataset='xyz'), "dataset 'abc' there, 'xyz' here"),
])
def test_another_measurement_is_refused_by_what_differs(changes, words):
  with pytest.raises(ValueError, match=words):
    against.check(LINE, _changed(**changes))
  against.check(LINE, _changed(commit='other', eval__flops=7))


@pytest.mark.parametrize('text, words', [
  (None, 'No such file'), ('{"config": ', 'expected a file that python -m emojax.bench'),
  ('[1]', 'has an object, this'), ('{"config": "x"}', 'has overrides, this')])
def test_a_file_that_is_no_line_is_refused(tmp_path, text, words):
  path = tmp_path / 'line.json'
  if text is not None:
    path.write_text(text)
  with pytest.raises(ValueError, match=words):
    against.read(str(path))


def test_a_line_comes_back(tmp_path):
  path = tmp_path / 'line.json'
  path.write_text(json.dumps(LINE) + '\n')
  assert against.read(str(path)) == LINE


def test_results_that_are_kept_can_be_compared_with():
  kept = sorted((ROOT / 'tests/benchmarks/results').glob('*.json'))
  assert kept
  for path in kept:
    line = against.read(str(path))
    against.check(line, line)
    assert against.table(line, line).count('1.000') > 10


def test_numbers_of_devices():
  assert bench.device_counts('') == [] and bench.device_counts('1,2, 8') == [1, 2, 8]
  for text in ('0', '1,,2', 'two', '-1', '2.5'):
    with pytest.raises(ValueError, match='expected numbers of devices'):
      bench.device_counts(text)


def _bench(data_dir, *args):
  return subprocess.run(
    [sys.executable, '-m', 'emojax.bench', '--config=configs/iemocap_mat.py:tiny',
     f'--config.data.path={data_dir}', '--rounds=2', '--seconds=0', *args],
    capture_output=True, text=True, cwd=ROOT, timeout=600, check=False,
    env=light.environment())


@pytest.mark.slow
def test_the_program_prints_one_line_and_scales_over_simulated_devices(data_dir, tmp_path):
  done = _bench(data_dir, f'--out={tmp_path / "line.json"}', '--mesh=2')
  assert done.returncode == 0, done.stderr
  assert done.stdout.count('\n') == 1 and done.stdout == (tmp_path / 'line.json').read_text()
  line = json.loads(done.stdout)
  assert line['config'] == 'configs/iemocap_mat.py:tiny' and line['overrides'] == {}
  assert line['device']['count'] == 1 and line['start_s']['imports'] > 0
  assert line['train']['compilations'] == line['eval']['compilations'] == 1

  (found,) = line['scaling']['devices']
  assert 'share the cores' in line['scaling']['about']
  assert found['count'] == 2 and found['mesh'] == {'member': 1, 'data': 2, 'fsdp': 1}
  assert found['batch'] == line['batch']
  (shape,) = found['train']['shapes']
  assert set(shape['collectives']) == {'all-reduce'}  # of gradients
  assert 'devices   train ms' in done.stderr and '2 simulated devices' in done.stderr

  done = _bench(data_dir, f'--against={tmp_path / "line.json"}', '--config.members.seeds=1,2')
  assert done.returncode == 1 and not done.stdout and 'to compile' not in done.stderr
  assert "overrides.members.seeds None there, '1,2' here" in done.stderr
