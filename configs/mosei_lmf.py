"""LMF on CMU-MOSEI: sentiment as a number, from MMSA's features or generated ones.

    python -m data_builders.table mosei/mmsa_aligned aligned_50.pkl --data_dir DATA
    python -m emojax.main --config=configs/mosei_lmf.py --config.data.path=DATA

MMSA's settings (rank 4, batches of 32, Adam at 0.001, L2 penalty 0.001; patience 8 on validation);
its repository: acc2_nonneg 0.805, mae 0.576, corr 0.717.
`:generated` reads a table whose best answers are known, see `data_builders/tables/README.md`;
`:tiny` runs in seconds.
"""

from configs import common, tensor_fusion


def get_config(arg=None):
  chosen = common.arguments(arg, 'generated', 'tiny')
  generated = 'generated' in chosen
  model = tensor_fusion.lmf((128, 16, 128), text_out=64, rank=4, dropout=0.2)
  c = tensor_fusion.base(
    'generated' if generated else 'mmsa_aligned', model,
    lengths=(20, 40, 30) if generated else (50, 50, 50), batch=32, learning_rate=1e-3, l2=0.001)
  c = tensor_fusion.sentiment(c, 'mosei/sentiment', reduction='mean')
  c.control.patience = 8
  return tensor_fusion.tiny(c) if 'tiny' in chosen else c
