"""Collectives in hand-written HLO and in a real program on simulated devices."""

import jax
import jax.numpy as jnp
import pytest
from jax.sharding import NamedSharding, PartitionSpec

from emojax.performance import collectives
from emojax.train import sharding

HEAD = """HloModule jit_step, is_scheduled=true, entry_computation_layout={(f32[8]{0})->f32[8]{0}}

%add (a: f32[], b: f32[]) -> f32[] {
  %a = f32[] parameter(0)
  ROOT %sum = f32[] add(%a, %b), metadata={op_name="all-reduce(of nothing)"}
}

ENTRY %main (x: f32[8]) -> f32[8] {
"""


def read(*lines):
  found = collectives.read(HEAD + ''.join(f'  {line}\n' for line in lines) + '}\n')
  return [(one.kind, one.name, one.result, one.bytes) for one in found]


@pytest.mark.parametrize('line, expected', [
  ('%ar.1 = f32[4,8]{1,0} all-reduce(%x), channel_id=1, to_apply=%add',
   ('all-reduce', 'ar.1', ('f32[4,8]',), 128)),
  ('ROOT %both = (f32[512,64]{1,0}, bf16[], /*index=2*/pred[3]{0}) all-reduce(%a, %b, %c)',
   ('all-reduce', 'both', ('f32[512,64]', 'bf16[]', 'pred[3]'), 131077)),
  ('all_gather = f32[4,16]{1,0} all-gather(f32[1,16]{1,0} %bitcast), dimensions={0}',
   ('all-gather', 'all_gather', ('f32[4,16]',), 256)),
  ('%rs = bf16[4]{0} reduce-scatter(%x), dimensions={0}, to_apply=%add',
   ('reduce-scatter', 'rs', ('bf16[4]',), 8)),
  ('%p = u8[16]{0} collective-permute(%x), source_target_pairs={{0,1},{1,0}}',
   ('collective-permute', 'p', ('u8[16]',), 16)),
  ('%a2a = (f32[1,4]{1,0}, f32[1,4]{1,0}) all-to-all(%y, %z), replica_groups={{0,1}}',
   ('all-to-all', 'a2a', ('f32[1,4]', 'f32[1,4]'), 32)),
  ('%tied = (f32[2]{0}, token[]) all-reduce(%x, %token)',
   ('all-reduce', 'tied', ('f32[2]',), 8)),
  ('%tiled = bf16[8,128]{1,0:T(8,128)(2,1)S(1)} all-reduce(%x), to_apply=%add',
   ('all-reduce', 'tiled', ('bf16[8,128]',), 2048)),
])
def test_each_kind(line, expected):
  assert read(line) == [expected]


@pytest.mark.parametrize('start, done, expected', [
  ('%s = (f32[8]{0}, f32[2]{0}) all-reduce-start(%x, %y), to_apply=%add',
   '%d = (f32[8]{0}, f32[2]{0}) all-reduce-done(%s)',
   ('all-reduce', 's', ('f32[8]', 'f32[2]'), 40)),
  ('%s = (f32[2]{0:T(256)}, f32[8]{0:T(256)}) all-gather-start(%x), dimensions={0}',
   '%d = f32[8]{0:T(256)} all-gather-done(%s)', ('all-gather', 's', ('f32[8]',), 32)),
  ('%s = ((f32[2]{0}, s4[3]{0}), (f32[8]{0}, s4[9]{0})) all-gather-start(%x, %y)',
   '%d = (f32[8]{0}, s4[9]{0}) all-gather-done(%s)',
   ('all-gather', 's', ('f32[8]', 's4[9]'), 37)),
  ('%s = (f32[8,3]{1,0}, f32[8,3]{1,0}, u32[], u32[]) collective-permute-start(%x)',
   '%d = f32[8,3]{1,0} collective-permute-done(%s)',
   ('collective-permute', 's', ('f32[8,3]',), 96)),
  ('%s = ((f32[8]{0}), f32[2]{0}, u32[]) reduce-scatter-start(%x), dimensions={0}',
   '%d = f32[2]{0} reduce-scatter-done(%s)', ('reduce-scatter', 's', ('f32[2]',), 8)),
  ('%s = ((f8e4m3fn[8]{0}), f8e4m3fn[8]{0}) all-to-all-start(%x)',
   '%d = f8e4m3fn[8]{0} all-to-all-done(%s)', ('all-to-all', 's', ('f8e4m3fn[8]',), 8)),
])
def test_a_start_and_its_done_are_one(start, done, expected):
  assert read(start, '%other = f32[8]{0} add(%x, %x)', done) == [expected]


def test_what_only_names_one_is_none():
  assert read('%all-reduce.3 = f32[8]{0} add(%all-reduce.1, %x)',
              '%g = f32[8]{0} get-tuple-element(%all-to-all), index=0',
              '%f = f32[8]{0} fusion(%x), metadata={op_name="jit(f)/ all-gather(x)"}') == []


def test_totals_and_origins():
  found = collectives.read(
    HEAD + '  %a = f32[4]{0} all-reduce(%x), metadata={op_name="jit(step)/loss" stack_frame_id=1}\n'
    '  %b = f32[] all-reduce(%y)\n  %c = s32[2]{0} all-gather(%z)\n}\n')
  assert [one.origin for one in found] == ['jit(step)/loss', '', '']
  assert collectives.totals(found) == {'all-reduce': {'count': 2, 'bytes': 20},
                                       'all-gather': {'count': 1, 'bytes': 8}}
  assert collectives.totals([]) == {}


@pytest.mark.parametrize('array, expected', [
  ('f32[4,16]', 256), ('bf16[]', 2), ('c64[3]', 24), ('f64[0]', 0), ('pred[5]', 5),
  ('f32[<=8,2]', 64), ('s4[3]', 2)])
def test_bytes_of_an_array(array, expected):
  assert collectives.num_bytes(array) == expected


@pytest.mark.parametrize('array', ['token[]', 'f32', '(f32[2], f32[2])', ''])
def test_what_has_no_bytes_is_refused(array):
  with pytest.raises(ValueError, match='expected an array of numbers'):
    collectives.num_bytes(array)


def test_a_real_program():
  """Each of four devices holds 16 of 64 numbers of 4 bytes."""
  mesh, split = sharding.make_mesh(1, 4, 1), PartitionSpec('data')

  def speak(x):
    return (jax.lax.psum(x, 'data'), jax.lax.all_gather(x, 'data'),
            jax.lax.psum_scatter(x, 'data', tiled=True),
            jax.lax.ppermute(x, 'data', [(i, (i + 1) % 4) for i in range(4)]),
            jax.lax.all_to_all(x.reshape(4, 4), 'data', 0, 0))

  program = jax.jit(jax.shard_map(
    speak, mesh=mesh, in_specs=split, out_specs=(PartitionSpec(), split, split, split, split),
    check_vma=False))
  found = collectives.read(program.lower(jnp.zeros(64)).compile().as_text())
  assert collectives.totals(found) == {
    'all-reduce': {'count': 1, 'bytes': 64}, 'all-gather': {'count': 1, 'bytes': 256},
    'reduce-scatter': {'count': 1, 'bytes': 16}, 'collective-permute': {'count': 1, 'bytes': 64},
    'all-to-all': {'count': 1, 'bytes': 64}}
  assert {one.kind: one.origin.rpartition('/')[2] for one in found} == {
    'all-reduce': 'psum', 'all-gather': 'all_gather', 'reduce-scatter': 'reduce_scatter',
    'collective-permute': 'ppermute', 'all-to-all': 'all_to_all'}


def test_a_program_of_devices_that_need_no_other():
  mesh = sharding.make_mesh(1, 4, 1)
  x = jax.device_put(jnp.ones((8, 3)), NamedSharding(mesh, PartitionSpec('data')))
  assert collectives.read(jax.jit(jnp.tanh).lower(x).compile().as_text()) == []
