from training import checkpoints


def test_only_whole_checkpoints_count_and_broken_ones_go(tmp_path):
    for step in (2, 10, 12):
        (tmp_path / f"checkpoint-{step}").mkdir()
    checkpoints.mark_whole(tmp_path / "checkpoint-2", 2)
    checkpoints.mark_whole(tmp_path / "checkpoint-10", 10)
    newest = checkpoints.newest(tmp_path)
    assert newest == tmp_path / "checkpoint-10"
    assert checkpoints.step_of(newest) == 10
    assert not (tmp_path / "checkpoint-12").exists()


def test_a_checkpoint_knows_the_steps_told_before_the_training(tmp_path):
    (tmp_path / "checkpoint-3").mkdir()
    checkpoints.mark_whole(tmp_path / "checkpoint-3", 43)
    assert checkpoints.step_of(checkpoints.newest(tmp_path)) == 43


def test_without_any_the_training_starts_at_the_beginning(tmp_path):
    assert checkpoints.newest(tmp_path / "nowhere") is None
    assert checkpoints.step_of(None) == 0
