import json
import re
import sys
text = open(sys.argv[1]).read()
text = re.sub(r"//[^\n]*|/\*.*?\*/", "", text)
text = re.sub(r",\s*([}\]])", r"\1", text)
cfg = json.loads(text)
for e in range(cfg["epochs"]):
    print(f"epoch {e} dev_loss {cfg['lr'] / (e + 1)}")
