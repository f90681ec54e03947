"""What a person sees while members train: one line per evaluation, with the time that is left."""

import sys
import time


class Progress:
  """Lines on standard output, and on a terminal a running count of steps below them."""

  def __init__(self, runs: int, *, speaks: bool = True):
    """`runs`: how many trainings (members x phases) the command stands for.

    `speaks`: False for all processes of a run but one, which say the same.
    """
    self._speaks = speaks
    self._runs, self._done = runs, 0
    self._began = None  # when the first step was done: what was compiled before says nothing
    self._ticked = time.monotonic()
    self._live = sys.stdout.isatty()

  def say(self, line: str) -> None:
    """Prints a line."""
    if self._speaks:
      print('\r\033[K' + line if self._live else line, flush=True)

  def tick(self, name: str, done: int, last: int, share: float) -> None:
    """Called after every step; shows something a few times a second at most, or every 30 s.

    `share`: how much of the trainings that run now is done, in trainings.
    """
    now = time.monotonic()
    self._began = self._began or now
    if not self._speaks or now - self._ticked < (0.3 if self._live else 30):
      return
    self._ticked = now
    left = f', {clock(self.remaining(share))} left' if now > self._began else ''
    line = f'{name}: step {done:,} of at most {last:,}{left}'
    print('\r\033[K' + line if self._live else line, end='' if self._live else '\n', flush=True)

  def remaining(self, share: float) -> float:
    """Seconds left if every training takes as long as those so far; `share` as for `tick`."""
    finished = self._done + share
    passed = time.monotonic() - (self._began or time.monotonic())
    return passed / max(finished, 1e-9) * (self._runs - finished)

  def pace(self, steps_per_second: float, share: float) -> str:
    """'12.5 steps/s | 1:02 left'; `share` as for `tick`."""
    return f'{steps_per_second:.3g} steps/s | {clock(self.remaining(share))} left'

  def training_done(self) -> None:
    """One training is over."""
    self._done += 1


def clock(seconds: float) -> str:
  """1:02:03, or 2:03."""
  minutes, rest = divmod(int(seconds + 0.5), 60)
  hours, minutes = divmod(minutes, 60)
  return f'{hours}:{minutes:02}:{rest:02}' if hours else f'{minutes}:{rest:02}'
