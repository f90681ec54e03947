"""MME2E's processed files, made here in their layouts."""

import pickle
import wave

import numpy as np
import pytest

from emojax.data import processed, source
from emojax.features import cuts_mme2e
from emojax.protocols import labels as labels_lib
from emojax.protocols import protocol as protocol_lib

SPLITS = {'train': range(0, 8), 'valid': range(8, 11), 'test': range(11, 15)}
CLASSES = ('ang', 'exc', 'fru', 'hap', 'neu', 'sad')
# every third speaks on the other side: the first letter is who wears the markers
NAMES = {'iemocap': [f'Ses0{1 + i % 5}F_script01_1_{"FFM"[i % 3]}{i:03}' for i in range(15)],
         'mosei': [f'-vi_deo{i // 2}_{i}' for i in range(15)]}


def dump(path, content):
  path.parent.mkdir(parents=True, exist_ok=True)
  path.write_bytes(pickle.dumps(content, protocol=4))


def write(root, name, **changes):
  """A whole tree; `changes`: what replaces meta, the names of a split, or a feature of training."""
  upper, names = name.upper(), NAMES[name]
  for split, rows in SPLITS.items():
    path = root / f'{upper}_SPLIT/{split}_split.txt'
    path.parent.mkdir(parents=True, exist_ok=True)
    listed = changes.get(split, [names[row] for row in rows])
    path.write_text(''.join(f'{line}\n' for line in listed))
  dump(root / f'{upper}_RAW_PROCESSED/meta.pkl', changes.get('meta', meta(name)))
  for split, rows in SPLITS.items():
    own = {kind: dict(list(found.items())[rows.start:rows.stop])
           for kind, found in features(name).items()}
    if split == 'train':
      own |= {kind: value for kind, value in changes.items() if kind in own}
    if name == 'iemocap':
      for kind, found in own.items():
        dump(root / f'{upper}_HCF_FEATURES/{split}_{kind}_features.pt', found)
    else:
      dump(root / f'{upper}_HCF_FEATURES/mosei_senti_hcf_{split}.pkl', changes.get('hcf', {
        'id': np.array(list(own['text'])), 'vision': np.stack(list(own['video'].values())),
        'audio': np.stack(list(own['audio'].values())),
        'text': np.stack(list(own['text'].values()))}))
  return root


def meta(name):
  return {id: {'text': f'Well, number {row}', **(
    {'label': CLASSES[row % 6], 'start_time': 0.5, 'end_time': 1.0, 'sr': 16000, 'fps': 29.97}
    if name == 'iemocap' else {'label': [row % 2, 0, 1, row % 3 // 2, 1, 0]})}
    for row, id in enumerate([*NAMES[name], 'Ses01F_impro09_F000'])}


def features(name):
  """kind -> name -> value; of utterance i there are i + 1 frames (MOSEI: 4), text has none of 2."""
  if name == 'mosei':
    return {kind: {id: np.full((4, width), row, np.float64) for row, id in enumerate(NAMES[name])}
            for kind, width in (('text', 6), ('audio', 5), ('video', 7))}
  found = {'text': {}, 'audio': {}, 'video': {}}
  for row, id in enumerate(NAMES[name]):
    found['text'][id] = [] if row == 2 else [np.full(300, t, np.float32) for t in range(row + 1)]
    sound = np.arange(763.)[:, None] + 1000 * np.arange(row + 1)
    found['audio'][id] = {'L': sound, 'R': sound + 0.5}
    found['video'][id] = {
      f'image_{side}_{i}': np.append(np.zeros(674), [100. * i + k + (side == 'R') / 2
                                                     for k in range(35)])
      for side in 'LR' for i in range(row + 1)}
  return found


def row_of(corpus, id):
  return corpus.index['id'].tolist().index(id)


def test_iemocap_is_a_corpus(tmp_path):
  corpus = processed.load('iemocap', str(write(tmp_path, 'iemocap')))
  assert isinstance(corpus, source.Corpus) and not corpus.is_complete_release
  assert corpus.index['id'].tolist() == [f'iemocap/{name}' for name in NAMES['iemocap']]
  assert corpus.index['split'].tolist() == ['train'] * 8 + ['valid'] * 3 + ['test'] * 4
  assert corpus.index['emotion'].tolist()[:7] == [*CLASSES, 'ang']
  assert corpus.index['speaker'].tolist()[2] == 'Ses03M'
  assert set(corpus.index['script'].tolist()) == {'script01'}
  assert corpus.words[3] == ['Well,', 'number', '3']
  assert corpus.num_excluded == 0 and len(corpus.about['fingerprint']) == 32


@pytest.mark.parametrize('kind', range(7))
def test_sound_has_the_columns_of_its_type_and_the_speakers_channel(tmp_path, kind):
  corpus = processed.load('iemocap', str(write(tmp_path, 'iemocap')))
  feature = corpus.feature(f'hcf_audio{kind or ""}')
  columns = np.array(cuts_mme2e.AUDIO_COLUMNS[kind])
  assert feature.lengths.tolist() == [*range(1, 16)] and feature.width == len(columns)
  for row, side in ((1, 0.0), (2, 0.5)):  # a woman and a man, the markers on the woman
    expected = columns + 1000 * np.arange(row + 1)[:, None] + side
    np.testing.assert_array_equal(feature.read(row), expected)


def test_words_and_faces_are_those_of_their_row(tmp_path):
  corpus = processed.load('iemocap', str(write(tmp_path, 'iemocap')))
  text, video = corpus.feature('hcf_text'), corpus.feature('hcf_video')
  assert text.lengths.tolist() == [1, 2, 0, *range(4, 16)] and text.width == 300
  np.testing.assert_array_equal(text.read(4)[:, 7], range(5))
  assert video.width == 35 and video.lengths.tolist() == [*range(1, 16)]
  np.testing.assert_array_equal(video.read(2)[:, 0], [0.5, 100.5, 200.5])
  np.testing.assert_array_equal(video.read(1)[:, 34], [34, 134])


def test_images_that_are_missing_are_passed_over(tmp_path):
  changed = dict(list(features('iemocap')['video'].items())[:8])
  del changed[NAMES['iemocap'][4]]['image_L_1']
  changed[NAMES['iemocap'][0]] = {}
  corpus = processed.load('iemocap', str(write(tmp_path, 'iemocap', video=changed)))
  video = corpus.feature('hcf_video')
  # nine of ten are left: the original then counts to nine halves, rounded down
  np.testing.assert_array_equal(video.read(4)[:, 0], [0, 200, 300])
  assert video.read(0).shape == (0, 35)


def test_mosei_is_a_corpus(tmp_path):
  corpus = processed.load('mosei', str(write(tmp_path, 'mosei')))
  assert corpus.index['video'].tolist()[:3] == ['-vi_deo0', '-vi_deo0', '-vi_deo1']
  assert corpus.index['raw_clip_number'].tolist() == [*range(15)]
  labels = protocol_lib.load('mosei/emotion6_mme2e').labels['emotion']
  ids = labels.ids(corpus.index)
  assert ids[:3].tolist() == [[0, 0, 1, 0, 1, 0], [1, 0, 1, 0, 1, 0], [0, 0, 1, 1, 1, 0]]
  assert labels_lib.labelled(ids).all()
  for name, width in (('hcf_text', 6), ('hcf_audio', 5), ('hcf_video', 7)):
    feature = corpus.feature(name)
    assert feature.width == width and set(feature.lengths.tolist()) == {4}
    assert feature.read(9).dtype == np.float32 and set(feature.read(9).ravel().tolist()) == {9}


def write_wave(path, length):
  path.parent.mkdir(parents=True, exist_ok=True)
  samples = np.random.default_rng(length).integers(-9000, 9000, length).astype('<i2')
  with wave.open(str(path), 'wb') as file:
    file.setparams((1, 2, 16000, 0, 'NONE', ''))
    file.writeframes(samples.tobytes())
  return samples


def test_sound_files_become_mel_frames(tmp_path):
  write(tmp_path, 'iemocap')
  folder = tmp_path / 'IEMOCAP_RAW_PROCESSED'
  for row, name in enumerate(NAMES['iemocap']):
    for side in 'LR':
      write_wave(folder / f'Ses0{name[4]}F_script01' / name / f'audio_{side}.wav',
                 800 + 100 * row + (side == 'R'))
  feature = processed.load('iemocap', str(tmp_path)).feature('mel_chunks_mme2e')
  assert feature.lengths.tolist() == [1 + (800 + 100 * row + (row % 3 == 2)) // 200
                                      for row in range(15)]
  assert all(len(feature.read(row)) == feature.lengths[row] for row in range(15))
  assert feature.width == 128
  path = folder / f'Ses02F_script01/{NAMES["iemocap"][1]}/audio_L.wav'
  path.write_bytes(path.read_bytes()[:20])
  with pytest.raises(ValueError, match=r'audio_L\.wav cannot be read as sound'):
    feature.read(1)


def test_what_is_absent_is_told_when_it_is_asked_for(tmp_path):
  write(tmp_path, 'iemocap')
  (tmp_path / 'IEMOCAP_HCF_FEATURES/valid_text_features.pt').unlink()
  corpus = processed.load('iemocap', str(tmp_path))
  with pytest.raises(ValueError, match=r"no IEMOCAP_HCF_FEATURES/{train,valid,test}_text_features"
                                       r"\.pt, from which 'hcf_text' is read; .* hcf_video"):
    corpus.feature('hcf_text')
  with pytest.raises(ValueError, match=r'audio_L\.wav and the like, from which .mel_chunks_mme2e'):
    corpus.feature('mel_chunks_mme2e')
  with pytest.raises(ValueError, match='files of iemocap hold hcf_video, .*; .logmel. was asked'):
    corpus.feature('logmel')
  assert corpus.feature('hcf_video').width == 35


@pytest.mark.parametrize('deeper', ['', 'data'])
def test_the_folder_or_the_one_above_it_will_do(tmp_path, deeper):
  write(tmp_path / deeper, 'mosei')
  assert processed.load('mosei', str(tmp_path)).index['id'][0] == 'mosei/-vi_deo0_0'


def changed_meta(name, row, **fields):
  found = meta(name)
  found[NAMES[name][row]] |= fields
  return found


@pytest.mark.parametrize('name, changes, message', [
  ('iemocap', dict(valid=['Ses01F_impro01_F000', 'Ses01F_impro01_F001']),
   r'meta\.pkl has no entry for 2 utterances of valid_split\.txt: Ses01F_impro01_F000, '),
  ('iemocap', dict(valid=NAMES['iemocap'][:2]), r'2 utterances stand .*F000 \(train and valid\)'),
  ('iemocap', dict(train=['Ses01_F000']), r'train_split\.txt: 1 lines are no names .*: Ses01_F000'),
  ('iemocap', dict(meta=[1]), r'meta\.pkl holds a list; expected a dict'),
  ('iemocap', dict(meta=changed_meta('iemocap', 3, label='xxx')),
   rf'{NAMES["iemocap"][3]}: expected a label of ang, exc, fru, hap, neu, sad, not .xxx.'),
  ('iemocap', dict(meta=changed_meta('iemocap', 3, text=None)), "expected a dict with 'text'"),
  ('mosei', dict(meta=changed_meta('mosei', 3, label=[1, 0])), 'expected six numbers, 0 or 1, not'),
  ('mosei', dict(meta=changed_meta('mosei', 3, label=[2, 0, 0, 0, 0, 0])), 'expected six numbers'),
])
def test_what_does_not_fit_is_named(tmp_path, name, changes, message):
  write(tmp_path, name, **changes)
  with pytest.raises(ValueError, match=message):
    processed.load(name, str(tmp_path))


def of_training(kind, row, value):
  found = dict(list(features('iemocap')[kind].items())[:8])
  found[NAMES['iemocap'][row]] = value
  return {kind: found}


@pytest.mark.parametrize('changes, feature, message', [
  (of_training('audio', 1, {'R': np.zeros((763, 2))}), 'hcf_audio', "F001 has no channel 'L'"),
  (of_training('audio', 1, {'L': np.zeros((700, 2))}), 'hcf_audio', 'has 700 rows .* 763 or more'),
  (of_training('audio', 1, np.zeros((763, 2))), 'hcf_audio', 'has no channel'),
  (of_training('audio', 1, {'L': np.full((763, 2), np.nan)}), 'hcf_audio', 'matrix of finite'),
  (of_training('text', 1, [np.zeros(300), np.zeros(299)]), 'hcf_text', 'F001: expected a matrix'),
  (of_training('text', 1, np.zeros((2, 200))), 'hcf_text', r'frames of \[200, 300\] numbers'),
  (of_training('text', 1, ['well', 'done']), 'hcf_text', 'F001: expected a matrix of finite'),
  (of_training('video', 1, {'image_L_0': np.zeros(20), 'image_R_0': np.zeros(20)}), 'hcf_video',
   'F001 has images of 20 numbers, expected 35 or more'),
  (of_training('video', 1, [1]), 'hcf_video', 'F001 holds a list; expected a dict by image'),
  (dict(text={NAMES['iemocap'][0]: np.zeros((1, 300))}), 'hcf_text',
   'train_text_features.pt has no features of 7 utterances of the split: '),
  (dict(text=[1]), 'hcf_text', r'train_text_features\.pt holds a list'),
])
def test_features_that_do_not_fit_are_named(tmp_path, changes, feature, message):
  corpus = processed.load('iemocap', str(write(tmp_path, 'iemocap', **changes)))
  with pytest.raises(ValueError, match=message):
    corpus.feature(feature)


@pytest.mark.parametrize('content, message', [
  (dict(id=np.array(['a'])), r"lacks \['text'\]; it has \['id'\]"),
  (dict(id=np.array(['a']), text=np.zeros((2, 3, 4))), r'text \[1, T, D\], .* found \[2, 3, 4\]'),
  (dict(id=np.array(['a']), text=np.zeros((1, 3))), r'found \[1, 3\]'),
])
def test_moseis_pickles_must_hang_together(tmp_path, content, message):
  corpus = processed.load('mosei', str(write(tmp_path, 'mosei', hcf=content)))
  with pytest.raises(ValueError, match=message):
    corpus.feature('hcf_text')


def test_a_missing_list_is_answered(tmp_path):
  write(tmp_path, 'mosei')
  (tmp_path / 'MOSEI_SPLIT/valid_split.txt').rename(tmp_path / 'MOSEI_SPLIT/valid_splits.txt')
  with pytest.raises(ValueError, match=r'lacks MOSEI_SPLIT/valid_split\.txt \(did you mean vali'):
    processed.load('mosei', str(tmp_path))


def test_nothing_in_a_pickle_is_run(tmp_path, capsys):
  class Malice:
    def __reduce__(self):
      return print, ('executed',)

  write(tmp_path, 'iemocap', meta={'a': Malice()})
  with pytest.raises(ValueError, match=r'meta\.pkl is refused'):
    processed.load('iemocap', str(tmp_path))
  assert 'executed' not in capsys.readouterr().out
