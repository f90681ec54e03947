"""The original's TensorFlow checkpoints hold what TensorFlow read of them, to the last bit."""

import numpy as np

from emojax.io import bundle_files, tensor_bundle
from tests.parity import case as case_lib

VARIABLE = 'var/'


def check(case: case_lib.Case) -> None:
  folder = case.folder / case.stem
  bundles = [path.with_suffix('') for path in sorted(folder.glob('*.index'))]
  assert bundles and bundle_files.locate(folder) in bundles
  for bundle in bundles:
    with np.load(bundle.with_suffix('.npz'), allow_pickle=False) as file:
      expected = {key.removeprefix(VARIABLE): file[key] for key in file if key.startswith(VARIABLE)}
    found = tensor_bundle.read(bundle)
    assert {*found} == {*expected}
    for name, tensor in expected.items():
      assert found[name].dtype == tensor.dtype and found[name].shape == tensor.shape, name
      assert found[name].tobytes() == tensor.tobytes(), name
    own, left_out = tensor_bundle.without_optimizer(found)
    adam = {f'{name}{slot}' for name in own for slot in ('/Adam', '/Adam_1')}
    assert adam == {name for name in left_out if '/Adam' in name}
    assert sorted(name.split('/')[-1] for name in {*left_out} - adam) == [
      'beta1_power', 'beta2_power', 'global_step']
