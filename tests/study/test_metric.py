"""The direction of a metric is known from a whole name, or asked for."""

from contextlib import suppress

import pytest

from tunewell.errors import SettingError
from tunewell.study.metric import direction_of

UP = """
    accuracy val_accuracy valAccuracy val/acc test.accuracy val-accuracy Accuracy top_5_accuracy
    top5_accuracy top_k_accuracy val_top_1_acc macro_f1 f1_macro val_f1_score mAP mAP_50 map@50 recall@10
    ndcg@10 precision_at_5 roc_auc_ovr_weighted r2 val_r2 mean_iou eval/mean_reward
    sparse_categorical_accuracy neg_mean_squared_error neg_log_loss neg_brier_score neg_max_error score
    episode_return log_likelihood bleu_4 jaccard_samples
""".split()  # noqa: SIM905  a list of that length is not read
DOWN = """
    loss val_loss valLoss val/loss Loss train_loss total_loss cross_entropy_loss val_mse_loss mse rmse
    mean_absolute_error error err test_error error_rate perplexity eval_ppl wer fid fid_score
    davies_bouldin_score negative_log_likelihood val_nll log_loss brier_score bits_per_dim vae_loss
    val_loss/dataloader_idx_0
""".split()  # noqa: SIM905  a list of that length is not read
UNKNOWN = """
    -loss 1-accuracy loss_reduction accuracy_drop acc_std accuracy_gap loss_diff lossy score_error_rate
    delta_loss accuracy_loss best_minus_loss inaccuracy time latency foo val train 10 neg neg_foo
    steps_per_second gap val_gap std_loss loss_std loss_ratio improvement regret_score 1_accuracy log
""".split()  # noqa: SIM905  a list of that length is not read


@pytest.mark.parametrize(
    ("name", "direction"),
    [*((n, "maximize") for n in UP), *((n, "minimize") for n in DOWN)],
)
def test_a_name_that_is_known_whole_has_its_direction(name, direction):
    assert direction_of(name) == direction


@pytest.mark.parametrize("name", UNKNOWN)
def test_another_name_is_asked_for(name):
    with pytest.raises(SettingError, match="cannot be told from its name; say direction="):
        direction_of(name)


def test_what_is_given_goes_before_what_the_name_has():
    assert direction_of("val_loss", "maximize") == "maximize"
    with pytest.raises(SettingError, match="direction must be 'minimize' or 'maximize'"):
        direction_of("val_loss", "down")


def test_no_scorer_of_scikit_learn_is_taken_the_wrong_way_round():
    metrics = pytest.importorskip("sklearn.metrics")
    for name in metrics.get_scorer_names():  # more is better in each of them
        with suppress(SettingError):
            assert direction_of(name) == "maximize", name
