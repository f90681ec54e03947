"""TFN on IEMOCAP, Sessions 1 to 4: four classes from a table of text and audio features.

    python -m data_builders.table iemocap/sessions1_4 X.npz --data_dir DATA
    python -m emojax.main --config=configs/iemocap_tfn.py --config.data.path=DATA

Sizes are those of the authors' code on CMU-MOSI. Leave-one-session-out; the table has no video, so
the tensor has two axes. `:tiny` runs in seconds.
"""

from configs import common, tensor_fusion


def get_config(arg=None):
  chosen = common.arguments(arg, 'tiny')
  model = tensor_fusion.tfn((128, 4, 16), text_out=64, post_fusion=32, dropout=0.3,
                            dropout_post=0.3)
  c = tensor_fusion.base('sessions1_4', model, batch=32, learning_rate=1e-3,
                         text='text_lsa200', audio='audio_egemaps47')
  c.protocol = 'iemocap/loso4_sessions1to4'
  c.heads.emotion = common.single_label(reduction='sum')
  c.train.num_epochs = 50
  c.control.patience = 20
  return tensor_fusion.tiny(c) if 'tiny' in chosen else c
