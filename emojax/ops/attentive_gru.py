"""TensorFlow 1's GRU whose state, before each step, is replaced by what it finds in a memory.

As in `gru`, a state is a column inside. Each step's attention is computed again in the backward
pass, which takes less time than to write down [L, B, T, H] values and read them.
"""

import jax
import jax.numpy as jnp

from emojax.ops import affine, masking
from emojax.types import Array


def attentive_gru(
    x: Array,
    initial: Array,
    memory: Array,
    keys: Array,
    query_kernel: Array,
    query_bias: Array,
    score_kernel: Array,
    project_kernel: Array,
    gates_kernel: Array,
    gates_bias: Array,
    candidate_kernel: Array,
    candidate_bias: Array,
    mask: Array | None = None,
    memory_mask: Array | None = None,
) -> tuple[Array, Array]:
  """Runs a = softmax(tanh(keys + s W + b) v); h = tanh([sum_j a_j memory_j, s] P); s = GRU(x, h).

  Before its first real step the state is not replaced.

  Args:
    x: [B, L, D].
    initial: [B, H], the state before the first step.
    memory, keys: [B, T, C], [B, T, H]; what is found, and what it is found by.
    query_kernel, query_bias, score_kernel: W [H, H], b [H], v [H].
    project_kernel: P [C + H, H].
    gates_kernel, gates_bias, candidate_kernel, candidate_bias: of the GRU, as for `gru.gru`.
    mask: bool [B, L]; where it is False the state is copied through and `x` is not read.
    memory_mask: bool [B, T]; without a True, zero is found.

  Returns:
    The state after each step [B, L, H], and a [B, L, T], zero where the state was not replaced.
  """
  mask = jnp.ones(x.shape[:2], bool) if mask is None else mask
  memory_mask = jnp.ones(memory.shape[:2], bool) if memory_mask is None else memory_mask
  return _run(masking.clear(x, mask), initial, masking.clear(memory, memory_mask),
              masking.clear(keys, memory_mask), query_kernel, query_bias, score_kernel,
              project_kernel, gates_kernel, gates_bias, candidate_kernel, candidate_bias,
              mask, memory_mask)


@jax.custom_vjp
def _run(*args) -> tuple[Array, Array]:
  return _forward(*args)[0]


def _forward(
    x: Array, initial: Array, memory: Array, keys: Array, query_kernel: Array, query_bias: Array,
    score_kernel: Array, project_kernel: Array, gates_kernel: Array, gates_bias: Array,
    candidate_kernel: Array, candidate_bias: Array, mask: Array, memory_mask: Array):
  width, hidden, found_width = x.shape[2], initial.shape[1], memory.shape[2]
  of_x = jnp.concatenate([gates_kernel[:width], candidate_kernel[:width]], 1).T  # [3H, D]
  bias = jnp.concatenate([gates_bias, candidate_bias])[:, None]
  gates_of_h, candidate_of_h = gates_kernel[width:].T, candidate_kernel[width:].T
  query_of_s = query_kernel.T
  project_found, project_s = project_kernel[:found_width].T, project_kernel[found_width:].T

  def step(s, here):
    x, real, replaced = here
    query = (query_of_s @ s).T + query_bias[None]  # [B, H]
    scores = jnp.tanh(keys + query[:, None]).reshape(-1, hidden) @ score_kernel
    weights = masking.softmax(scores.reshape(memory_mask.shape), memory_mask)  # [B, T]
    weights = jnp.where(replaced[:, None], weights, 0)
    found = _mix(weights, memory)
    h = jnp.where(replaced[None], jnp.tanh(project_found @ found.T + project_s @ s), s)
    from_x = of_x @ x + bias
    r, u = jnp.split(jax.nn.sigmoid(from_x[:2 * hidden] + gates_of_h @ h), 2)
    u = jnp.where(real[None], u, 1)  # the state and its gradient pass through, nothing else does
    c = jnp.tanh(from_x[2 * hidden:] + candidate_of_h @ (r * h))
    s_next = u * h + (1 - u) * c
    return s_next, (s_next.T, weights, s, found, h, r, u, c)

  replaced = mask & (jnp.cumsum(mask, 1) > 1)
  _, (states, weights, *saved) = jax.lax.scan(
    step, initial.T, (x.transpose(1, 2, 0), mask.T, replaced.T))
  return ((states.swapaxes(0, 1), weights.swapaxes(0, 1)),
          (x, memory, keys, query_kernel, query_bias, score_kernel, project_kernel, gates_kernel,
           candidate_kernel, replaced, weights, saved))


def _mix(weights: Array, values: Array) -> Array:
  """[B, T], [B, T, D] -> [B, D]."""
  return jnp.einsum('BT,BTD->BD', weights, values)


def _backward(kept: tuple, dresults: tuple[Array, Array]) -> tuple:
  (x, memory, keys, query_kernel, query_bias, score_kernel, project_kernel, gates_kernel,
   candidate_kernel, replaced, weights, saved) = kept
  s, found, h, r, u, c = saved
  width, hidden, found_width = x.shape[2], h.shape[1], memory.shape[2]
  gates_of_h, candidate_of_h = gates_kernel[width:], candidate_kernel[width:]
  queries = jnp.einsum('LHB,HK->LBK', s, query_kernel) + query_bias[None, None]

  def step(carry, here):
    ds_later, dkeys, dscore = carry
    ds, dweights, weights, query, replaced, h, r, u, c = here
    ds = ds + ds_later
    dcandidate = ds * (1 - u) * (1 - c * c)
    dreset = candidate_of_h @ dcandidate  # of r * h
    dgates = jnp.concatenate([dreset * h * r * (1 - r), ds * (h - c) * u * (1 - u)])
    dh = ds * u + dreset * r + gates_of_h @ dgates
    dproject = jnp.where(replaced[None], dh * (1 - h * h), 0)
    dfrom = project_kernel @ dproject
    dfound = dfrom[:found_width].T
    dweights = dweights + jnp.einsum('BTD,BD->BT', memory, dfound)
    dscores = weights * (dweights - (weights * dweights).sum(1, keepdims=True))
    seen = jnp.tanh(keys + query[:, None])  # [B, T, H]
    slope = 1 - seen * seen
    dquery = _mix(dscores, slope) * score_kernel[None]
    carry = (
      dfrom[found_width:] + jnp.where(replaced[None], 0, dh) + query_kernel @ dquery.T,
      dkeys + dscores[..., None] * slope,
      dscore + dscores.reshape(-1) @ seen.reshape(-1, hidden))
    return carry, (jnp.concatenate([dgates, dcandidate]), dproject, dfound, dquery)

  dstates, dattention = dresults
  (dinitial, dkeys, dscore), (dall, dproject, dfound, dquery) = jax.lax.scan(
    step, (jnp.zeros_like(h[0]), jnp.zeros_like(keys), jnp.zeros_like(score_kernel)),
    (dstates.transpose(1, 2, 0), dattention.swapaxes(0, 1), weights, queries, replaced.T,
     h, r, u, c), reverse=True)

  rows = lambda columns: columns.transpose(0, 2, 1).reshape(-1, columns.shape[1])
  drows, s, h, dproject = rows(dall), rows(s), rows(h), rows(dproject)  # times, then examples
  dgates, dcandidate = drows[:, :2 * hidden], drows[:, 2 * hidden:]
  of_x = jnp.concatenate([gates_kernel[:width], candidate_kernel[:width]], 1)
  dx = (drows @ of_x.T).reshape(x.shape[1], x.shape[0], width).swapaxes(0, 1)
  dof_x = x.swapaxes(0, 1).reshape(len(drows), -1).T @ drows
  dbias = affine.over_rows(drows)
  dquery = dquery.reshape(len(s), -1)
  return (
    dx, dinitial.T, jnp.einsum('LBT,LBD->BTD', weights, dfound), dkeys * score_kernel[None, None],
    s.T @ dquery, affine.over_rows(dquery), dscore,
    jnp.concatenate([found.reshape(len(s), -1).T @ dproject, s.T @ dproject]),
    jnp.concatenate([dof_x[:, :2 * hidden], h.T @ dgates]), dbias[:2 * hidden],
    jnp.concatenate([dof_x[:, 2 * hidden:], (rows(r) * h).T @ dcandidate]), dbias[2 * hidden:],
    None, None)


_run.defvjp(_forward, _backward)
