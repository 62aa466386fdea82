# %% [code]
import random
class CFG:
    debug = False
    seed = 42
    model_name = "tf_efficientnet_b0"
    img_size = 224
    n_epochs = 5
    bs = 32
    lr = 1e-4
    wd = 1e-6
    drop_rate = 0.2
    label_smoothing = 0.05
    mixup_alpha = 0.4
    n_folds = 5
    trn_fold = [0]
    num_workers = 2
    T_0 = 5
    min_lr = 1e-6
    target_cols = ["a", "b"]
# %%
if CFG.debug:
    CFG.n_epochs = 1
random.seed(CFG.seed)
for epoch in range(CFG.n_epochs):
    print(f"Epoch {epoch+1} - avg_train_loss: {0.5:.4f}  avg_val_loss: {0.6 - epoch * 0.01:.4f}")
