"""What tests of checkpoints that others wrote share."""

import shutil

import pytest

from emojax.io import torch_files


@pytest.fixture
def copy_changed(monkeypatch):
  """`copy_changed(source, path, change)`: a copy that reads as if `change` had been at its content.

  `change` alters the content, or returns another. Only the last copy reads so.
  """
  load = torch_files.load

  def copy_changed(source, path, change):
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(source, path)

    def changed(wanted):
      content = load(wanted)
      return (change(content) or content) if wanted == path else content

    monkeypatch.setattr(torch_files, 'load', changed)
    return path

  return copy_changed
