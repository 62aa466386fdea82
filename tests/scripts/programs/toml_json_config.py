import json
import sys

settings = json.load(open(sys.argv[1]))
for epoch in range(settings["training"]["num_epochs"]):
    print("val_mae", settings["training"]["learning_rate"] / (epoch + 1))
