"""Sounds of films: what they say, where they are cut, and what is refused."""

import av
import numpy as np
import pytest

from data_builders.corpora import media, release
from data_builders.corpora.release import Clip
from data_builders.synthetic import film
from data_builders.synthetic import release as synthetic_release

RATE = 16000


@pytest.fixture
def tone():
  """Three seconds that rise in pitch, so that no stretch looks like another."""
  seconds = np.arange(3 * RATE) / RATE
  return np.rint(8000 * np.sin(2 * np.pi * (150 + 100 * seconds) * seconds)).astype(np.int16)


def _avi(path, samples, layout='mono'):
  """A film whose sound is as it was, int16 [T] or [T, channels]."""
  with av.open(str(path), 'w') as container:
    picture = container.add_stream('mpeg4', rate=5)
    picture.width = picture.height = 32
    picture.pix_fmt = 'yuv420p'
    sound = container.add_stream('pcm_s16le', rate=RATE, layout=layout)
    grey = av.VideoFrame.from_ndarray(np.full((32, 32, 3), 99, np.uint8), format='rgb24')
    for k in range(15):
      grey.pts = k
      container.mux(picture.encode(grey))
    container.mux(picture.encode(None))
    packed = np.ascontiguousarray(samples.reshape(1, -1))  # channels interleaved
    frame = av.AudioFrame.from_ndarray(packed, format='s16', layout=layout)
    frame.sample_rate, frame.pts = RATE, 0
    container.mux(sound.encode(frame))
    container.mux(sound.encode(None))
  return path


def _reason(*clips):
  return [reason for _, reason in media.read_file(clips, RATE)]


def test_a_wave_file_of_the_rate_gives_its_samples(tmp_path, tone):
  synthetic_release.write_wav(tmp_path / 'x.wav', tone)
  samples = media.read(Clip(tmp_path / 'x.wav'), RATE)
  assert samples.dtype == np.int16
  np.testing.assert_array_equal(samples, tone)


def test_compressed_sound_is_where_it_was(tmp_path, tone):
  film.encode(tmp_path / 'x.mp4', tone)
  samples = media.read(Clip(tmp_path / 'x.mp4'), RATE).astype(float)
  assert len(tone) <= len(samples) < len(tone) + 1024  # AAC ends with a whole frame
  np.testing.assert_allclose(samples[1000:len(tone) - 1000], tone[1000:-1000], atol=800)


def test_channels_are_mixed_and_rates_changed(tmp_path, tone):
  both = np.stack([tone, np.zeros_like(tone)], axis=1)
  path = _avi(tmp_path / 'x.avi', both, 'stereo')
  np.testing.assert_allclose(media.read(Clip(path), RATE), tone / 2, atol=1)
  assert abs(len(media.read(Clip(path), 22050)) - 3 * 22050) <= 32
  slow = media.read(Clip(path), 8000).astype(float)
  np.testing.assert_allclose(slow[100:-100], tone[200:-200:2] / 2, atol=60)


def test_stretches_are_cut_at_their_times(tmp_path, tone):
  path = tmp_path / 'x.wav'
  synthetic_release.write_wav(path, tone)
  first, last, beyond, no_time = media.read_file(
    [Clip(path, 0.5, 1.25), Clip(path, start=2.75), Clip(path, 2.0, 9.0), Clip(path, 2.0, 1.0)],
    RATE)
  np.testing.assert_array_equal(first[0], tone[8000:20000])
  np.testing.assert_array_equal(last[0], tone[44000:])
  assert beyond == (None, 'the clip is 2.00 s to 9.00 s, but the sound ends at 3.00 s')
  assert no_time == (None, 'the clip is 2.00 s to 1.00 s, which is no stretch of time')
  assert first[0].base is None  # a cut does not keep the film in memory


def test_a_film_is_opened_once_for_all_its_clips(tmp_path, tone, monkeypatch):
  path, opened = tmp_path / 'x.mp4', []
  film.encode(path, tone)
  monkeypatch.setattr(av, 'open', lambda path, open=av.open: opened.append(path) or open(path))
  media.read_file([Clip(path, k / 4, k / 4 + 0.25) for k in range(12)], RATE)
  assert opened == [str(path)]


def test_what_cannot_be_a_sound_is_refused_with_a_reason(tmp_path, tone):
  film.encode(tmp_path / 'silent.mp4', None)
  film.encode(tmp_path / 'whole.mp4', tone)
  content = (tmp_path / 'whole.mp4').read_bytes()
  (tmp_path / 'half.mp4').write_bytes(content[:len(content) // 2])
  (tmp_path / 'empty.mp4').write_bytes(b'')
  (tmp_path / 'page.mp4').write_bytes(b'<html>404 Not Found</html>')
  content = _avi(tmp_path / 'whole.avi', tone).read_bytes()
  (tmp_path / 'half.avi').write_bytes(content[:len(content) // 2])
  synthetic_release.write_wav(tmp_path / 'nothing.wav', tone[:0])
  reasons = {path.name: _reason(Clip(path))[0] for path in sorted(tmp_path.iterdir())}
  unread = 'a file that cannot be read (Invalid data found when processing input)'
  assert reasons == {
    'silent.mp4': 'a film without sound', 'whole.mp4': '', 'whole.avi': '', 'half.mp4': unread,
    'empty.mp4': unread, 'page.mp4': unread, 'nothing.wav': 'audio without samples',
    'half.avi': reasons['half.avi']}
  assert reasons['half.avi'].startswith('audio cut short by ')
  with pytest.raises(ValueError, match='a film without sound'):
    media.read(release.Clip(tmp_path / 'silent.mp4'), RATE)


def test_damage_inside_a_film_is_refused(tmp_path, tone):
  film.encode(tmp_path / 'x.mp4', tone)
  content = bytearray((tmp_path / 'x.mp4').read_bytes())
  begins = content.index(b'mdat') + len(content) // 2
  content[begins:begins + 2000] = np.random.default_rng(0).bytes(2000)
  (tmp_path / 'x.mp4').write_bytes(content)
  reason, = _reason(Clip(tmp_path / 'x.mp4'))
  assert reason.startswith('audio ')
