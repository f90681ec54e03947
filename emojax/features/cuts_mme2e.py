"""What MME2E takes of an utterance: stretches of sound and film, frames, crops, feature columns.

IEMOCAP's films show both actors side by side, and its wave files have a channel for each. The
rules are the original's, with its slips; where one has a better sibling, it is an argument.
"""

import numpy as np

FRAMES_PER_SECOND = 30  # that the loader counts with, also where films were stored at 2
FACE = 48


def _columns(*runs: tuple[int, int], and_then: tuple[int, ...] = ()) -> tuple[int, ...]:
  return (*(column for first, last in runs for column in range(first, last + 1)), *and_then)


_VOICE, _CONTOURS = (0, 33), (655, 762)  # articulation; six statistics of 18 phonological contours
# `--audio-feature-type`: which of the 763 or more hand-crafted columns of sound are used.
AUDIO_COLUMNS = (
  _columns(_VOICE, _CONTOURS, and_then=(100, 101)),  # these two are filler: 8 heads divide 144
  _columns((22, 33), _CONTOURS),
  _columns((0, 21), _CONTOURS),
  _columns(_VOICE),
  _columns(_VOICE, *((first, first + 1) for first in range(655, 763, 6))),
  _columns(_VOICE, *((first, first + 3) for first in range(655, 763, 6))),
  _columns(_VOICE, (58, 103), (116, 121), (180, 213), (238, 243), (360, 365), (424, 457),
           (482, 487), (552, 559), (562, 565), (568, 581), _CONTOURS),
)


def side(name: str) -> str:
  """'L' where the speaker of an IEMOCAP utterance wears the markers, in film and sound; or 'R'."""
  return 'L' if name.split('_')[0][-1] == name.rsplit('_', 1)[1][0] else 'R'


def stretch(start: float, end: float, rate: float) -> slice:
  """The samples or frames of an utterance; a start before 0 is 0."""
  return slice(max(0, int(rate * start)), max(0, int(rate * end)))


def sampled(images: int, interval: float, *, last: bool) -> range:
  """Which of an utterance's images are read, one in `interval` milliseconds.

  Args:
    last: whether the last image can be among them: true of MOSEI's files, not of IEMOCAP's.
  """
  step = int(interval / 1000 * FRAMES_PER_SECOND)
  return range(0, images if last else images - 1, step)


def half(frames: np.ndarray, *, left: bool, size: int = 224) -> np.ndarray:
  """One actor's half of frames [F, H, W, C], its middle [F, size, size, C]."""
  width = frames.shape[2] // 2
  frames = frames[:, :, :width] if left else frames[:, :, width:]
  top, before = ((n - size) // 2 for n in frames.shape[1:3])
  return frames[:, top:frames.shape[1] - top, before:frames.shape[2] - before]


def without_face(image: np.ndarray, *, centred: bool = False) -> np.ndarray:
  """What stands in for a face where none was found: 48 x 48 pixels of an image [H, W, ...].

  Args:
    centred: the middle of a square image; the original's crop lies 24 pixels further left.
  """
  corner = (image.shape[0] - FACE) // 2
  before = corner if centred else corner - FACE // 2
  return image[corner:corner + FACE, before:before + FACE]
