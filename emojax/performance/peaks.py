"""How much a device could compute at most, where its maker says it: for shares, never guessed."""

import re

BF16, TF32, F32 = 'bfloat16', 'tensorfloat32', 'float32'

# Device kind, as JAX names it -> FLOP/s of matrix products by what they multiply, matrices being
# dense (sparse ones count twice in data sheets). Sources: NVIDIA's data sheets of the H100, H200,
# A100, L4 and V100, and for H100 SXM and PCIe the white paper "NVIDIA H100 Tensor Core GPU
# Architecture", whose figures have one digit more; cloud.google.com/tpu/docs, "peak compute per
# chip". A kind that is not here has no peak: a part of a GPU (MIG) is another kind.
_PEAKS = [
  (r'NVIDIA H200 NVL', {BF16: 835.5e12, TF32: 417.5e12, F32: 60e12}),
  (r'NVIDIA H200', {BF16: 989.4e12, TF32: 494.7e12, F32: 66.9e12}),
  (r'NVIDIA H100 NVL', {BF16: 835.5e12, TF32: 417.5e12, F32: 60e12}),
  (r'NVIDIA H100 PCIe', {BF16: 756e12, TF32: 378e12, F32: 51.2e12}),
  (r'NVIDIA H100 80GB HBM3', {BF16: 989.4e12, TF32: 494.7e12, F32: 66.9e12}),
  (r'NVIDIA A100.(SXM4?|PCIE|80GB PCIe)(-\d+GB)?', {BF16: 312e12, TF32: 156e12, F32: 19.5e12}),
  (r'NVIDIA L4', {BF16: 121e12, TF32: 60e12, F32: 30.3e12}),
  (r'Tesla V100-SXM2-\d+GB', {F32: 15.7e12}),
  (r'Tesla V100-PCIE-\d+GB', {F32: 14e12}),
  (r'TPU v4', {BF16: 275e12}),
  (r'TPU (v5 lite|v5e)', {BF16: 197e12}),
  (r'TPU v5p?', {BF16: 459e12}),
  (r'TPU (v6 lite|v6e)', {BF16: 918e12}),
]
# What float32 numbers are rounded to before they are multiplied, by `jax_default_matmul_precision`:
# see `jax.lax.Precision`. GPUs without tensorfloat32 take float32 instead.
_ROUNDED = {
  'GPU': dict.fromkeys(('default', 'fastest', 'high', TF32), TF32) | {'highest': F32, F32: F32},
  'TPU': dict.fromkeys(('default', 'fastest', BF16), BF16) | {'highest': F32, F32: F32},
}


def peak(kind: str, dtype: str, products: str) -> tuple[float | None, str]:
  """(FLOP/s of one device, what its products are made of); or (None, why it is not known).

  Args:
    kind: of the device: 'NVIDIA H200'.
    dtype: of the parameters. products: `jax_default_matmul_precision`, or 'default'.
  """
  known = next((found for name, found in _PEAKS if re.fullmatch(name, kind)), None)
  if known is None:
    return None, f'no peak is known of a device {kind!r}'
  made_of = dtype
  if dtype == F32:
    made_of = _ROUNDED['TPU' if kind.startswith('TPU') else 'GPU'].get(products)
    if made_of == TF32 and TF32 not in known:
      made_of = F32
  if made_of not in known:
    return None, (f'no peak of {kind} is known for parameters in {dtype} with products in '
                  f'{products!r}')
  return known[made_of], made_of
