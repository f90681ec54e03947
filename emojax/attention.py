"""Draws where a finished run's model looks: words against seconds of sound, or one row of weights.

    python -m emojax.attention runs/iemocap_fme_attn [--split=test] [--number=6] [--member=NAME]
    python -m emojax.attention runs/iemocap_mse_mdrea --ids=Ses01F_impro01_F000,... [--out=FOLDER]

One picture per utterance, of any part, and all numbers in attention.json. The model answers by its
best parameters and without dropout, as the first member does if none is named. The dataset must be
where the run found it, or at --data_path.

Pictures show what was said: they are as licensed as the transcripts. Therefore they lie beside the
run (RUN_attention), which holds none.
"""

import pathlib
from collections.abc import Iterator, Sequence
from typing import Any

from absl import app, flags, logging

from emojax import program
from emojax.io import files
from emojax.metrics import attention_picture
from emojax.protocols import protocol as protocol_lib

DIGITS = 6  # of a weight in attention.json


def define_flags() -> None:
  """The program's flags; not at import, since `emojax.evaluate` has some of the same name."""
  flags.DEFINE_list('ids', [], 'The utterances; default: the first of --split.')
  flags.DEFINE_enum('split', 'test', protocol_lib.PARTS, 'Whose first are drawn.')
  flags.DEFINE_integer('number', 6, 'How many of them.', lower_bound=1)
  flags.DEFINE_string('member', '', 'The member, such as session1-seed0; default: the first.')
  flags.DEFINE_string('out', None, 'The folder for the pictures; default: RUN_attention.')
  flags.DEFINE_string('data_path', None, 'Where the dataset is now, if it moved.')


def main(argv):
  if len(argv) != 2:
    raise app.UsageError('name one run folder: python -m emojax.attention runs/iemocap_fme_attn')
  logging.set_verbosity(logging.WARNING)
  given = flags.FLAGS
  for line in draw(argv[1], ids=given.ids, part=given.split, number=given.number,
                   member=given.member, out=given.out, data_path=given.data_path):
    print(line, flush=True)


def draw(workdir: str, *, ids: Sequence[str] = (), part: str = 'test', number: int = 6,
         member: str = '', out: str | None = None, data_path: str | None = None) -> Iterator[str]:
  """Writes the pictures and attention.json; gives a line for each as it is there.

  Args: see `define_flags`.
  """
  from emojax.train import attention_maps, finished, trained  # after the flags were read

  run = finished.open_run(workdir)
  asked = trained.Trained(run, member, data_path=data_path,
                          unlabelled=part == protocol_lib.UNLABELLED)
  rows = [asked.row(id.strip()) for id in ids] or asked.first(part, number)
  folder = pathlib.Path(out or f'{run.folder.path}_attention')
  numbers = {}
  for row in rows:
    answer = asked.ask(row)
    panels = attention_maps.panels(asked, answer)
    if not panels:
      yield f'{answer.id}: nothing is drawn, since nothing of it is real to the model.'
      continue
    title = attention_maps.title(asked, answer)
    path = folder / f'{answer.id.replace("/", "_")}.png'
    files.write_bytes(path, attention_picture.draw(panels, title))
    yield '; '.join([str(path), *title.splitlines()])
    numbers[answer.id] = {
      'part': answer.part, 'heads': attention_maps.heads(asked, answer),
      'maps': {panel.name: _plain(panel) for panel in panels}}
  files.write_json(folder / 'attention.json', {
    'run': str(run.folder.path), 'member': asked.member.name, 'utterances': numbers})
  yield f'{folder}/attention.json holds the numbers of {len(numbers)}.'


def _plain(panel: attention_picture.Panel) -> dict[str, Any]:
  """A panel in JSON."""
  sides = {'rows': panel.rows, 'columns': panel.columns}
  return {side: {'is': axis.label} | ({'names': list(axis.names)} if axis.names
                                      else {'step': axis.step})
          for side, axis in sides.items() if axis} | {
    'note': panel.note, 'weights': panel.weights.astype(float).round(DIGITS).tolist()}


if __name__ == '__main__':
  define_flags()
  program.run(main)
