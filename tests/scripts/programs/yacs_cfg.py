import argparse
from yacs.config import CfgNode as CN
_C = CN()
_C.SOLVER = CN()
_C.SOLVER.BASE_LR = 0.02
_C.SOLVER.MOMENTUM = 0.9
_C.SOLVER.WEIGHT_DECAY = 1e-4
_C.SOLVER.MAX_EPOCH = 12
_C.SOLVER.IMS_PER_BATCH = 16
_C.MODEL = CN()
_C.MODEL.DROPOUT = 0.0
_C.MODEL.HIDDEN_DIM = 256
_C.OUTPUT_DIR = "out"
_C.SEED = -1
def main():
    p = argparse.ArgumentParser()
    p.add_argument("--config-file", default="")
    p.add_argument("opts", nargs=argparse.REMAINDER, default=[])
    a = p.parse_args()
    cfg = _C.clone()
    if a.config_file:
        cfg.merge_from_file(a.config_file)
    cfg.merge_from_list(a.opts)
    for e in range(cfg.SOLVER.MAX_EPOCH):
        print(f"epoch {e} val_ap {0.1 + e * cfg.SOLVER.BASE_LR}")
if __name__ == "__main__":
    main()
