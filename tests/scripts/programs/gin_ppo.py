import gin

gin.parse_config_file("ppo.gin")
for epoch in range(3):
    print(f"epoch {epoch} val_acc {1 - 2**-epoch}")
