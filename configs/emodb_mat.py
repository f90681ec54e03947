"""MAT on EmoDB, four classes, leave-one-speaker-out."""

from configs import common, iemocap_mat_clean


def get_config(arg=None):
  common.arguments(arg, 'tiny')
  c = iemocap_mat_clean.get_config(arg)
  c.protocol = 'emodb/loso'
  return c
