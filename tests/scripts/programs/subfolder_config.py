"""Everything in main, with a dict that is passed on."""
def run(cfg):
    for epoch in range(cfg["epochs"]):
        print(f"val_loss={cfg['lr'] / (epoch + 1)}")
def main():
    cfg = dict(
        lr=5e-4,
        wd=1e-2,
        hidden=96,
        dropout_p=0.15,
        n_out=4,
        epochs=3,
        workdir="out",
    )
    run(cfg)
if __name__ == "__main__":
    main()
