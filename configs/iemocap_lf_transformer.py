"""LF-Transformer on IEMOCAP, as published but for an honest protocol.

Dai et al. 2021 (arXiv 2103.09666), a baseline of MME2E. The original's command:

    python main.py -lr=5e-4 -ep=60 -mod=tav -bs=32 -es=8 --hand-crafted --num-emotions=6 --clip=2
      -mo=lf_transformer -hfcs 300 144 35 --dataset=iemocap

    python -m emojax.main --config=configs/iemocap_lf_transformer.py --config.data.path=DATA

reads the authors' processed files (DATA holds IEMOCAP_SPLIT, IEMOCAP_HCF_FEATURES ...) and tests
on each session in turn. `:as_published` takes their lists, of which all parts share speakers and
dialogues. Six classes are six questions, each with a threshold of its own. Words: `:ta`, `:t` ...
for -mod, `:hcf_audio1` .. `:hcf_audio6` for -aft, `:tiny` runs in seconds. Flags and fields side
by side: `configs/mme2e.py`.
"""

from configs import common, mme2e


def get_config(arg=None):
  chosen = common.arguments(arg, *mme2e.SUBSETS, *mme2e.FEATURES, 'as_published', 'tiny')
  return mme2e.baseline(
    'iemocap', chosen, name='lf_transformer', num_layers=2, feed_forward=2048, num_heads_text=4,
    num_heads_audio=2, num_heads_video=5, dropout=0.1, identical_layers=True)
