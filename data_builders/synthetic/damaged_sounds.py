"""What happens to single sound files of any release whose sounds are 16 kHz mono 16-bit waves."""

import functools
import pathlib
from collections.abc import Callable, Mapping

import numpy as np
import scipy.io.wavfile
import soundfile

from data_builders.synthetic import defects, release, voice
from data_builders.synthetic.defects import Defect, Planted

Places = Callable[[pathlib.Path], Mapping[str, pathlib.Path]]  # root -> {id: sound}

PAGE = b'<!DOCTYPE html>\n<html><head><title>404 Not Found</title></head></html>\n'


def of(places: Places) -> tuple[Defect, ...]:
  """The defects of a corpus whose sounds lie at those places."""
  return tuple(
    Defect(name, why, functools.partial(_plant, places, damage, verdict, reason))
    for name, (why, damage, verdict, reason) in _KINDS.items())


def _plant(places: Places, damage, verdict: str, reason: str, root, rng) -> Planted:
  known = places(root)
  id = defects.pick(root, rng, list(known))
  damage(known[id])
  return Planted((id,), str(known[id].relative_to(root)), verdict, reason)


def _samples(path: pathlib.Path) -> np.ndarray:
  return soundfile.read(path, dtype='int16')[0]


def _at_8_khz(path: pathlib.Path) -> None:
  soundfile.write(path, _samples(path)[::2], voice.RATE // 2)


def _stereo(path: pathlib.Path) -> None:
  release.write_wav(path, np.stack([_samples(path)] * 2, axis=1))


def _floats(path: pathlib.Path) -> None:
  samples = _samples(path).astype(np.float32) / 32768
  scipy.io.wavfile.write(path, voice.RATE, samples)  # soundfile would note the time of day


def _half(path: pathlib.Path) -> None:
  content = path.read_bytes()
  path.write_bytes(content[:len(content) // 2])


def _nothing(path: pathlib.Path) -> None:
  path.write_bytes(b'')


def _header_alone(path: pathlib.Path) -> None:
  release.write_wav(path, np.zeros(0, np.int16))


def _page(path: pathlib.Path) -> None:
  path.write_bytes(PAGE)


def _zeros(path: pathlib.Path) -> None:
  release.write_wav(path, np.zeros_like(_samples(path)))


def _loud(path: pathlib.Path) -> None:
  samples = _samples(path).astype(np.float64)
  gain = 32767 / np.quantile(np.abs(samples), 0.95)  # one sample in twenty goes over
  release.write_wav(path, np.clip(np.rint(samples * gain), -32768, 32767).astype(np.int16))


# Name -> how it comes about, what does it, the verdict, and what must be said.
_KINDS = {
  'wrong_sample_rate': (
    'converted to telephone quality', _at_8_khz, 'excluded', 'audio is 8000 Hz mono'),
  'stereo': (
    'converted by a tool that writes two channels', _stereo, 'excluded', '2 channels'),
  'float_samples': (
    'saved again by a numerical program', _floats, 'excluded', 'mono FLOAT'),
  'half_copied': (
    'the copy was broken off, the header promises more', _half, 'excluded', 'audio cut short'),
  'no_bytes': (
    'the disk was full: a file of no bytes', _nothing, 'excluded', 'audio that cannot be read'),
  'no_samples': (
    'a header with nothing behind it', _header_alone, 'excluded', 'audio without samples'),
  'web_page': (
    'the page of an error, saved as the sound', _page, 'excluded', 'audio that cannot be read'),
  'silence': (
    'the microphone was off: all samples are zero', _zeros, 'noted', 'is silence'),
  'clipped': (
    'normalised too loud', _loud, 'noted', 'is clipped'),
}
