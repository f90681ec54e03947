"""What MME2E's notebooks and loader take of the releases, against its own functions.

Where a text holds the delimiter, the original loses a part of it; our parsers keep all. A row
without images is dropped from the original's batch; here streams have masks.
"""

import pathlib
import re
import tempfile

import numpy as np

from data_builders.corpora import iemocap_labels, mosei_labels, mosei_release, release
from emojax.data import streams
from emojax.features import cuts_mme2e, mel_chunks_mme2e
from emojax.protocols import mosei
from emojax.types import StreamSpec
from tests.parity import case as case_lib


def check(case: case_lib.Case) -> None:
  cases, arrays = case.about['cases'], case.arrays
  assert cases['use_left'] == {
    name: cuts_mme2e.side(name) == 'L' for name in cases['use_left']}
  assert {kind: list(columns) for kind, columns in enumerate(cuts_mme2e.AUDIO_COLUMNS)} == {
    int(kind): columns for kind, columns in cases['hcf_audio_feature_indices'].items()}
  _check_frames(cases)
  _check_iemocap(cases)
  _check_mosei(cases)
  _check_batches(cases)
  for name, expected in arrays.items():
    if found := re.fullmatch(r'out/pieces_of_(\d+)_frames', name):
      frames = np.arange(int(found[1]), dtype=np.float32)[:, None]
      np.testing.assert_array_equal(mel_chunks_mme2e.pieces(frames)[:, 0], expected)
    else:
      size = int(re.fullmatch(r'out/crop_center_(\d+)', name)[1])
      image = np.arange(size * size).reshape(size, size)
      np.testing.assert_array_equal(cuts_mme2e.without_face(image), expected[0])
      about = cases[f'crop_img_center_{size}']
      assert expected[0, 0, 0] == about['first_row'] * size + about['first_col']


def _check_frames(cases) -> None:
  for asked, expected in cases['sample_imgs_by_interval'].items():
    corpus, images, interval = re.fullmatch(r'(\w+) frames=(\d+) interval=(\d+)', asked).groups()
    is_iemocap = corpus == 'iemocap'
    numbers = cuts_mme2e.sampled(int(images), int(interval), last=not is_iemocap)
    assert [f'image_{"L_" if is_iemocap else ""}{i}.jpg' for i in numbers] == expected, asked
  about = cases['iemocap_crop']
  height, width = map(int, re.match(r'(\d+)x(\d+)', about['input']).groups())
  frames = np.indices((height, 2 * width)).transpose(1, 2, 0)[None]
  for left in (True, False):
    found = cuts_mme2e.half(frames, left=left)
    assert found[..., :1].shape == tuple(about['output'])
    row, column = found[0, 0, 0]
    assert (row, column - (0 if left else width)) == (about['first_row'], about['first_col'])
  for name in ('iemocap_audio_slice', 'iemocap_video_slice', 'mosei_audio_slice',
               'mosei_video_slice'):
    about = cases[name]
    found = cuts_mme2e.stretch(about['start'], about['end'], about.get('sr') or about['fps'])
    assert (found.start, found.stop - found.start) == (about['first'], about['n']), name


def _check_iemocap(cases) -> None:
  labels, damaged, _ = iemocap_labels.parse_evaluation(''.join(cases['iemocap_eval_lines']))
  words, _ = iemocap_labels.parse_transcriptions(''.join(cases['iemocap_transcript_lines']))
  assert not damaged
  assert cases['iemocap_metadata'] == {label.name: {
    'start_time': label.start, 'end_time': label.end, 'label': label.emotion,
    'text': words[label.name].split(':')[-1].strip()} for label in labels}


def _check_mosei(cases) -> None:
  with tempfile.TemporaryDirectory() as folder:
    root = pathlib.Path(folder)
    (root / 'Labels').mkdir()
    (root / 'Labels/batch.csv').write_text(cases['mosei_csv'])
    parsed = release.Release(root)
    votes = mosei_labels.read(parsed).votes
    assert not parsed.exclusions
    path = root / 'abc.txt'
    path.write_text(cases['mosei_transcript']['file'])
    notes = []
    segments = mosei_release.read_transcript(path, 'abc', notes)
  rows = [(f'{video}_{clip}', mosei_release.mean(said))
          for video, clips in votes.items() for clip, said in clips.items()]
  index = {name: np.array([values[name] for _, values in rows]) for name in rows[0][1]}
  index['split'] = np.full(len(rows), 'train')
  found = mosei.SIX_ANGER_FIRST.ids(index)
  assert dict(zip((name for name, _ in rows), found.tolist(), strict=True)) == cases['mosei_labels']
  # its third line has fields without content: ours takes it for damaged, and says so
  *expected, damaged = cases['mosei_transcript']['rows']
  assert [[*map(float, (s.number, s.start, s.end)), s.text.split('___')[0]] for s in segments] == [
    [*map(float, row[1:4]), row[4]] for row in expected]
  assert len(notes) == 1 and damaged[-1].strip() in notes[0]


def _check_batches(cases) -> None:
  """Two utterances of hand-crafted features; the golden's columns are 0, 3 and 1."""
  about = cases['collate_fn_hcf']
  sounds = [np.arange(4. * n).reshape(4, n)[[0, 3, 1]].T for n in about['audio_lens']]
  said = [np.ones((2, 300)), np.zeros((0, 300))]
  audio, text = (streams.Frames(
    values.__getitem__, np.array([len(v) for v in values]), StreamSpec(values[0].shape[1], 3))
    for values in (sounds, said))
  rows = np.arange(2)
  batch = streams.pad(audio, rows, 3)
  assert batch.values[batch.mask].tolist() == about['audio']
  assert batch.mask.sum(1).tolist() == about['audio_lens']
  batch = streams.pad(text, rows, 2)
  assert list(batch.values.shape) == about['texts']
  assert batch.values.sum((1, 2)).tolist() == about['text_sums']
