def load():
    return [[0.0, 1.0]] * 10, [0, 1] * 5
def main():
    from xgboost import XGBClassifier
    x, y = load()
    model = XGBClassifier(n_estimators=200, max_depth=6, learning_rate=0.1, subsample=0.8,
                          colsample_bytree=0.8, reg_lambda=1.0, n_jobs=2, random_state=0)
    model.fit(x, y)
    print("val_auc", 0.9)
if __name__ == "__main__":
    main()
