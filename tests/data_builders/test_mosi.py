"""CMU-MOSI: the parser against files typed by hand, the records, the generated release."""

import math

import numpy as np
import pytest

from data_builders import build
from data_builders.corpora import mosi_release, prepare
from data_builders.synthetic import cmu, mosi
from emojax.io import prepared
from emojax.protocols import protocol
from tests.data_builders import hand_made

LABELS = '''\
0.5,1.25,tmZoasNr4rU,1,-2.4
1.25,2.0,tmZoasNr4rU,2,0.0
0.0,0.75,03bSnISJMiM,1,1.333333333333
'''
WORDS = {
  'tmZoasNr4rU': '1_DELIM_IT WAS BAD\n2_DELIM_WELL_DELIM_I DONT KNOW\n',
  '03bSnISJMiM': '1_DELIM_I LOVED IT\n3_DELIM_NOBODY RATED THIS\n',
}


@pytest.fixture
def root(tmp_path):
  root = tmp_path / 'CMU_MOSI/Raw'
  for name in ('Labels', 'Transcript/Segmented', 'Audio/WAV_16000/Full',
               'Audio/WAV_16000/Segmented'):
    (root / name).mkdir(parents=True)
  (root / 'Labels/OpinionLevelSentiment.csv').write_text(LABELS)
  for video, words in WORDS.items():
    (root / f'Transcript/Segmented/{video}.annotprocessed').write_text(words)
  hand_made.write_wav(root / 'Audio/WAV_16000/Full/tmZoasNr4rU.wav', hand_made.noise(2.0, 0))
  hand_made.write_wav(
    root / 'Audio/WAV_16000/Segmented/03bSnISJMiM_1.wav', hand_made.noise(0.75, 1))
  return root


def write_labels(root, text, name='OpinionLevelSentiment.csv'):
  (root / f'Labels/{name}').write_text(text)


def reasons(release):
  return {lost.id: lost.reason for lost in release.exclusions}


def test_reads_every_utterance_as_typed(root):
  release = mosi_release.read(root.parent)
  one, two, three = release.utterances
  assert (one.id, one.video, one.segment, one.dialogue, one.position, one.speaker) == (
    'mosi/03bSnISJMiM_1', '03bSnISJMiM', 1, '03bSnISJMiM', 0, '03bSnISJMiM')
  assert (one.sentiment, one.transcript, one.split, one.split_bclstm) == (
    1.333333333333, 'I LOVED IT', 'train', 'test')
  assert (two.start, two.end, two.sentiment, two.split, two.split_bclstm) == (
    0.5, 1.25, -2.4, 'test', 'test')
  assert (three.position, three.transcript) == (1, 'WELL_DELIM_I DONT KNOW')
  clips = release.sounds
  assert (clips[0].path.name, clips[0].start, clips[0].end) == ('03bSnISJMiM_1.wav', None, None)
  assert (clips[1].path.name, clips[1].start, clips[1].end) == ('tmZoasNr4rU.wav', 0.5, 1.25)
  assert reasons(release) == {'mosi/03bSnISJMiM_3': 'transcript without label'}
  assert release.shortfalls == ['all parts: 3 of 2,199 utterances']


@pytest.mark.parametrize('header, row, start', [
  ('video_id,segment_id,start,end,score', 'tmZoasNr4rU,1,0.5,1.25,-2.4', 0.5),
  ('\ufeffid,Video,video,clip,label', 'x,y,tmZoasNr4rU,1,-2.4', math.nan),
])
def test_a_label_file_may_have_a_header(root, header, row, start):
  write_labels(root, f'{header}\n{row}\n')
  hand_made.write_wav(
    root / 'Audio/WAV_16000/Segmented/tmZoasNr4rU_1.wav', hand_made.noise(0.75, 2))
  (utterance,) = mosi_release.read(root).utterances
  assert (utterance.id, utterance.sentiment) == ('mosi/tmZoasNr4rU_1', -2.4)
  np.testing.assert_equal(utterance.start, start)


def test_without_times_only_a_file_of_its_own_is_its_sound(root):
  write_labels(root, 'video,segment,sentiment\ntmZoasNr4rU,1,-2.4\n03bSnISJMiM,1,1\n')
  release = mosi_release.read(root)
  assert [clip and clip.path.name for clip in release.sounds] == ['03bSnISJMiM_1.wav', None]


@pytest.mark.parametrize('row, reason', [
  ('0.5,1.25,tmZoasNr4rU,1,-3.2', 'sentiment -3.2 lies outside -3..3'),
  ('0.5,1.25,tmZoasNr4rU,1,bad', 'label row that cannot be read'),
  ('0.5,1.25,tmZoasNr4rU,1', 'label row that cannot be read'),
  ('1.25,0.5,tmZoasNr4rU,1,1', 'segment that ends before it begins (1.25 s to 0.50 s)'),
  ('0.5,0.51,tmZoasNr4rU,1,1', 'segment of 10 ms, shorter than a frame'),
  ('0.5,1.25,tmZoasNr4rU,1,1\n0.5,1.25,tmZoasNr4rU,1,2', 'labelled twice, in two ways'),
])
def test_a_label_that_cannot_be_used_is_excluded_with_its_reason(root, row, reason):
  write_labels(root, LABELS.splitlines()[2] + '\n' + row + '\n')
  release = mosi_release.read(root)
  assert reasons(release)['mosi/tmZoasNr4rU_1'] == reason
  assert [u.id for u in release.utterances] == ['mosi/03bSnISJMiM_1']
  assert len(release.exclusions) == len(reasons(release)) == 3


def test_oddities_are_noted(root):
  write_labels(root, '-0.2,3.1,tmZoasNr4rU,1,1\n1.25,2.3,tmZoasNr4rU,2,0\n' * 2)
  (root / 'Transcript/Segmented/tmZoasNr4rU.annotprocessed').write_text('2_DELIM_\nwhat\n')
  release = mosi_release.read(root)
  assert sorted(release.notes) == [
    "tmZoasNr4rU.annotprocessed has a line of unknown form: 'what'",
    'tmZoasNr4rU_1 begins 0.20 s before its video: cut there',
    'tmZoasNr4rU_1 has no transcript', 'tmZoasNr4rU_1 is listed twice, alike',
    'tmZoasNr4rU_2 begins 1.85 s before tmZoasNr4rU_1 ends',
    'tmZoasNr4rU_2 has no transcript', 'tmZoasNr4rU_2 is listed twice, alike']
  # the sound lasts 2 s: what reaches beyond it by half a second or less ends with it
  assert [(clip.start, clip.end) for clip in release.sounds] == [(0.0, 3.1), (1.25, 2.0)]


def test_other_label_files_are_answered_with_the_right_form(root):
  write_labels(root, 'start,end,vidio,segment,sentiment\n1,2,x,1,0\n')
  with pytest.raises(ValueError, match=r"no column for the video .*did it mean 'vidio'"):
    mosi_release.read(root)
  (root / 'Labels/OpinionLevelSentiment.csv').unlink()
  with pytest.raises(ValueError, match='needs Labels/OpinionLevelSentiment.csv .* no csv file'):
    mosi_release.read(root)
  with pytest.raises(ValueError, match='expected the folder Raw with Transcript/Segmented'):
    mosi_release.read(root / 'Labels')


@pytest.fixture(scope='module')
def generated(tmp_path_factory):
  return mosi.write(tmp_path_factory.mktemp('mosi'), seed=3, size='tiny')


def prepared_base(root, data_dir, workers):
  folder, _ = prepare.prepare('mosi', 'base', data_dir, manual_dir=root, workers=workers)
  return prepared.Dataset(folder)


def test_a_generated_release_builds_whole_with_any_number_of_workers(generated, tmp_path):
  one, two = (prepared_base(generated, tmp_path / str(n), n) for n in (1, 2))
  assert one.about['fingerprint'] == two.about['fingerprint'] and one.about['complete']
  assert one.counts['kept'] == one.counts['listed'] == 110
  videos = {video.name: video for video in mosi.plan(3, 'tiny')}
  opinions = {f'mosi/{name}_{o.number}': (name, o) for name, video in videos.items()
              for o in video.opinions}
  waves = {name: cmu.record(video, 3) for name, video in videos.items()}
  for row, id in enumerate(one.index['id'].tolist()):
    record, (video, opinion) = one.read(row), opinions[id]
    assert record['sentiment'] == pytest.approx(sum(opinion.votes) / 5, abs=1e-6)
    assert record['transcript'].split()[0].isupper()
    said = waves[video][opinion.start : opinion.end]
    if video in (mosi.FILM, mosi.FILMS):  # compressed
      length = min(len(said), len(record['audio']))
      assert length >= len(said) - 1
      assert np.corrcoef(said[:length], record['audio'][:length])[0, 1] > 0.99
    else:
      np.testing.assert_array_equal(record['audio'], said)
  for name in ('mosi/sentiment2', 'mosi/bclstm_sentiment2', 'mosi/sentiment'):
    rows = protocol.resolve(protocol.load(name), 0, one.index).rows
    assert min(len(rows[part]) for part in protocol.SPLITS) > 0


def test_text_is_built_without_media(generated, tmp_path, capsys):
  for name in ('Transcript', 'Labels', 'truth.json'):
    (tmp_path / 'Raw').mkdir(exist_ok=True)
    (tmp_path / 'Raw' / name).symlink_to(generated / name)
  options = ['--manual_dir', str(tmp_path), '--data_dir', str(tmp_path / 'data')]
  assert build.main(['mosi/text', *options]) == 0
  assert '110 kept + 0 excluded = 110 listed' in capsys.readouterr().out
  assert build.main(['mosi/base', *options]) == 1
  assert 'mosi/text' in capsys.readouterr().err


def test_the_real_numbers_of_utterances_are_generated_at_full_size():
  videos = mosi.plan(0, 'full')
  assert {part: sum(len(v.opinions) for v in videos if v.part == part)
          for part in ('train', 'valid', 'test')} == {'train': 1284, 'valid': 229, 'test': 686}
  assert len(videos) == 93


def test_an_ideal_observer_reaches_what_is_stated_as_best():
  """Drawn and measured here, without the formulas."""
  rng, n = np.random.default_rng(0), 300_000
  y = rng.choice(4, n, p=[0.31, 0.29, 0.20, 0.20])  # neu hap sad ang
  votes = np.array([[0, 0, .15, .70, .15, 0, 0], [0, 0, 0, 0, .30, .50, .20],
                    [0, .20, .60, .20, 0, 0, 0], [.25, .50, .25, 0, 0, 0, 0]])
  text = np.array([[70, 24, 3, 3], [24, 70, 3, 3], [3, 3, 70, 24], [3, 3, 24, 70]]) / 100
  audio = np.array([[66, 4, 26, 4], [4, 66, 4, 26], [26, 4, 66, 4], [4, 26, 4, 66]]) / 100

  def draw(table):
    return (rng.random((n, 1)) > table[y].cumsum(1)[:, :-1]).sum(1)

  scores = np.mean([draw(votes) - 3 for _ in range(5)], axis=0)
  seen, heard = draw(text), draw(audio)
  for name, cell in (('text', seen), ('audio', heard), ('text+audio', 4 * seen + heard)):
    means = np.array([scores[cell == c].mean() for c in range(16) if (cell == c).any()])
    medians = np.array([np.median(scores[cell == c]) for c in range(16) if (cell == c).any()])
    best = cmu.best(5)[name]
    assert np.corrcoef(means[cell], scores)[0, 1] == pytest.approx(best['corr'], abs=0.005)
    assert np.abs(medians[cell] - scores).mean() == pytest.approx(best['mae'], abs=0.005)
    hits = sum(max(np.mean((cell == c) & (scores >= 0)), np.mean((cell == c) & (scores < 0)))
               for c in range(16))
    assert hits == pytest.approx(best['acc2_nonneg'], abs=0.005)
