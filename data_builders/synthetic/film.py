"""Writes films as releases have them: a picture and compressed sound in one mp4 file."""

import pathlib

import numpy as np

from data_builders.synthetic import voice

PICTURES = 5  # a second, as small as can be: nobody reads them yet
SIDE = 32  # pixels
BITS = 96_000  # of sound a second


def encode(path: pathlib.Path, samples: np.ndarray | None, *, rate: int = voice.RATE) -> None:
  """Writes int16 [T], mono, as the AAC sound of a grey film; the same bytes every time.

  None: a film of a second, without sound.
  """
  import av

  with av.open(str(path), 'w', format='mp4', options={'fflags': '+bitexact'}) as container:
    picture = container.add_stream('mpeg4', rate=PICTURES)
    picture.width = picture.height = SIDE
    picture.pix_fmt = 'yuv420p'
    seconds = 1 if samples is None else len(samples) / rate
    sound = None
    if samples is not None:
      sound = container.add_stream('aac', rate=rate, layout='mono')
      sound.bit_rate = BITS
    grey = av.VideoFrame.from_ndarray(np.full((SIDE, SIDE, 3), 128, np.uint8), format='rgb24')
    for k in range(max(1, round(seconds * PICTURES))):
      grey.pts = k
      container.mux(picture.encode(grey))
    if sound:
      frame = av.AudioFrame.from_ndarray(samples[None], format='s16', layout='mono')
      frame.sample_rate, frame.pts = rate, 0
      container.mux(sound.encode(frame))
      container.mux(sound.encode(None))
    container.mux(picture.encode(None))
